"""Sets prepared with TFDS: the real mnist and cifar10, small ones of every kind, and those that
cannot be read."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from research.data.features.numbers import Numbers
from research.data.features.table_columns import TableColumns
from research.data.source import open_source
from research.errors import UserError

KINDS = tfds.features


def opened(name, data_dir, tmp_path, task="auto", **options):
    return open_source(
        name, options, data_dir=data_dir, cache_dir=str(tmp_path / "cache"), task=task
    )


def encoded(pixels, kind):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    out.seek(0)
    return out


def test_mnist(prepared_sets, tmp_path):
    """Counts, mean and deviation of MNIST as published, to their four decimals."""
    source = opened("mnist", prepared_sets, tmp_path)
    spec, (x, y, own_test, *_) = source.spec, source.arrays()
    assert (spec.inputs.shape, spec.size, spec.test_size, spec.inputs.as_a(Numbers).maximum) == (
        (28, 28, 1),
        70000,
        10000,
        255.0,
    )
    assert (spec.task, len(spec.targets.classes), spec.note, spec.split_by_seed) == (
        "classification",
        10,
        "",
        False,
    )
    assert list(np.bincount(y[60000:])) == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert list(own_test[[0, -1]]) == [60000, 69999]
    # The mean and deviation that every MNIST example divides by.
    assert x[:60000].mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert x[:60000].std(dtype=np.float32) / 255 == pytest.approx(0.3081, abs=5e-5)
    assert spec.fingerprint == "eca20a0ac07976c0d2404e46a6d802ba"  # a record is found by it
    again = opened("mnist:3.0.1", prepared_sets, tmp_path)
    assert again == source


def test_cifar10_says_that_it_is_a_copy(prepared_sets, tmp_path):
    spec = opened("cifar10", prepared_sets, tmp_path).spec
    assert (spec.inputs.shape, spec.size, spec.test_size) == ((32, 32, 3), 60000, 10000)
    assert "JPEG copies" in spec.note


@pytest.mark.parametrize(
    ("name", "kind", "noted"),
    [("cifar10", "jpeg", True), ("cifar10", "png", False), ("own", "jpeg", False)],
)
def test_images_and_the_note_on_copies(make_set, tmp_path, name, kind, noted):
    pixels = [np.full((4, 4, 3), 10 * number, np.uint8) for number in range(3)]
    examples = [
        {"image": encoded(image, kind), "label": number % 2} for number, image in enumerate(pixels)
    ]
    features = {"image": KINDS.Image(shape=(4, 4, 3)), "label": KINDS.ClassLabel(num_classes=2)}
    source = opened(
        name, make_set(name, features, {"train": examples}, ("image", "label")), tmp_path
    )
    np.testing.assert_array_equal(source.arrays().x, pixels)
    assert ("JPEG copies" in source.spec.note) == noted


def test_tensor_and_label_without_supervised_keys(make_set, tmp_path):
    features = {
        "signal": KINDS.Tensor(shape=(3,), dtype=np.float32),
        "kind": KINDS.ClassLabel(names=["u", "v"]),
    }
    examples = [
        {"signal": np.arange(3, dtype=np.float32) + row, "kind": row % 2} for row in range(4)
    ]
    source = opened("waves", make_set("waves", features, {"train": examples}), tmp_path)
    x, y, *_ = source.arrays()
    np.testing.assert_array_equal(x, np.arange(3)[None] + np.arange(4)[:, None])
    assert (list(y), source.spec.targets.classes) == ([0, 1, 0, 1], ("u", "v"))
    assert source.spec.inputs.as_a(Numbers).names == ("signal_0", "signal_1", "signal_2")


def test_columns_and_a_number(make_set, tmp_path):
    columns = {"age": np.int32, "sex": KINDS.ClassLabel(names=["f", "m"]), "tall": np.bool_}
    features = {"person": columns, "income": KINDS.Scalar(dtype=np.float32)}
    examples = [
        {"person": {"age": 30 + row, "sex": row - 1, "tall": row == 1}, "income": row / 2}
        for row in range(3)
    ]
    data_dir = make_set("people", features, {"train": examples}, ("person", "income"))
    source = opened("people", data_dir, tmp_path)
    x, y, *_ = source.arrays()
    assert source.spec.inputs.as_a(Numbers).names == ("age", "sex=f", "sex=m", "tall")
    np.testing.assert_array_equal(x, [[30, 0, 0, 0], [31, 1, 0, 1], [32, 0, 1, 0]])
    assert (source.spec.task, list(y)) == ("regression", [0, 0.5, 1])


def test_validation_joins_the_training_rows(make_set, tmp_path):
    features = {
        "x": KINDS.Tensor(shape=(1,), dtype=np.float32),
        "y": KINDS.ClassLabel(num_classes=2),
    }
    splits = {"test": [50, 51], "extra": [9], "validation": [40], "train": [30, 31, 32]}
    examples = {
        name: [{"x": [value], "y": value % 2} for value in values]
        for name, values in splits.items()
    }
    source = opened("parts", make_set("parts", features, examples, ("x", "y")), tmp_path)
    x, _, own_test, *_ = source.arrays()
    assert list(x[:, 0]) == [30, 31, 32, 40, 50, 51]
    assert list(own_test) == [4, 5]


def test_newest_version_unless_one_is_named(make_set, tmp_path):
    features = {
        "x": KINDS.Tensor(shape=(1,), dtype=np.float32),
        "y": KINDS.ClassLabel(num_classes=2),
    }
    for version, value in [("1.9.0", 1.0), ("1.10.0", 2.0)]:
        examples = [{"x": [value], "y": label} for label in (0, 1)]
        data_dir = make_set("grown", features, {"train": examples}, ("x", "y"), version)
    assert opened("grown", data_dir, tmp_path).arrays().x[0, 0] == 2
    assert opened("grown:1.9.0", data_dir, tmp_path).arrays().x[0, 0] == 1
    with pytest.raises(
        UserError, match=r"'grown' is prepared in .* as version 1\.9\.0, 1\.10\.0, not 2\.0\.0"
    ):
        opened("grown:2.0.0", data_dir, tmp_path)


def test_not_prepared(tmp_path, monkeypatch):
    (tmp_path / "sets" / "mnist" / "3.0.1").mkdir(parents=True)
    (tmp_path / "sets" / "mnist" / "3.0.1" / "dataset_info.json").write_text("{}")
    message = (
        r"'minst' is neither bundled nor prepared: looked in .*sets, which has mnist; did you mean"
        r" mnist or"
    )
    with pytest.raises(UserError, match=message) as error:
        opened("minst", str(tmp_path / "sets"), tmp_path)
    assert "tfds build minst" in str(error.value)
    with pytest.raises(UserError, match=r"did you mean digits\?"):
        opened("digit", str(tmp_path / "sets"), tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"looked in .*nowhere, which does not exist"):
        opened("cifar10", None, tmp_path)


def test_nothing_is_written_where_the_set_lies(make_set, tmp_path):
    features = {
        "x": KINDS.Tensor(shape=(1,), dtype=np.float32),
        "y": KINDS.ClassLabel(num_classes=2),
    }
    data_dir = make_set(
        "still", features, {"train": [{"x": [v], "y": v} for v in (0, 1)]}, ("x", "y")
    )
    before = {path: path.stat().st_mtime_ns for path in Path(data_dir).rglob("*")}
    opened("still", data_dir, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in Path(data_dir).rglob("*")} == before


@pytest.mark.parametrize(
    ("features", "example", "supervised", "message"),
    [
        (
            {"text": KINDS.Text()},
            {"text": "to be"},
            None,
            r"its features do not tell which they are: text \(Text\)",
        ),
        (
            {"x": KINDS.Text(), "y": KINDS.ClassLabel(num_classes=2)},
            {"x": "be", "y": 1},
            ("x", "y"),
            "its input 'x' is Text",
        ),
        (
            {"x": {"name": KINDS.Text()}, "y": KINDS.ClassLabel(num_classes=2)},
            {"x": {"name": "be"}, "y": 1},
            ("x", "y"),
            "its column 'name' is Text",
        ),
        (
            {"x": KINDS.Tensor(shape=(1,), dtype=np.float32), "y": KINDS.ClassLabel(num_classes=2)},
            {"x": [1], "y": -1},
            ("x", "y"),
            "1 of its 1 examples have no label",
        ),
        (
            {
                "x": KINDS.Tensor(shape=(1,), dtype=np.float32),
                "y": KINDS.Sequence(KINDS.ClassLabel(num_classes=3)),
            },
            {"x": [1], "y": [1, 2]},
            ("x", "y"),
            (
                r"its target 'y' is Sequence\(ClassLabel.*\); expected a ClassLabel or a number in"
                r" each example"
            ),
        ),
        (
            {"x": KINDS.Tensor(shape=(1,), dtype=np.float32), "y": {"a": np.int32, "b": np.int32}},
            {"x": [1], "y": {"a": 1, "b": 2}},
            ("x", "y"),
            "its target 'y' is FeaturesDict.*; expected a ClassLabel",
        ),
        (
            {"x": {"inner": {"deep": np.int32}}, "y": KINDS.ClassLabel(num_classes=2)},
            {"x": {"inner": {"deep": 1}}, "y": 1},
            ("x", "y"),
            "its column 'inner' is FeaturesDict.*; expected a number or a category",
        ),
        (
            {"x": KINDS.Sequence({"a": np.int32}), "y": KINDS.ClassLabel(num_classes=2)},
            {"x": [{"a": 1}], "y": 1},
            ("x", "y"),
            "its input 'x' is Sequence.*; expected an image of bytes",
        ),
        (
            {"x": KINDS.Tensor(shape=(1,), dtype=np.float32), "y": KINDS.Scalar(dtype=np.float32)},
            {"x": [1], "y": np.nan},
            ("x", "y"),
            "its target 'y' has no value in row 0",
        ),
        (
            {"x": KINDS.Tensor(shape=(1,), dtype=np.float32), "y": KINDS.Text()},
            {"x": [1], "y": "u"},
            ("x", "y"),
            "its target 'y' is Text",
        ),
    ],
)
def test_sets_that_are_no_table(make_set, tmp_path, features, example, supervised, message):
    data_dir = make_set("odd", features, {"train": [example]}, supervised)
    with pytest.raises(UserError, match=message):
        opened("odd", data_dir, tmp_path)


def test_images_of_several_sizes(make_set, tmp_path):
    images = [encoded(np.zeros((4, width, 3), np.uint8), "png") for width in (4, 5)]
    features = {"image": KINDS.Image(), "label": KINDS.ClassLabel(num_classes=2)}
    examples = [{"image": image, "label": label} for label, image in enumerate(images)]
    data_dir = make_set("sizes", features, {"train": examples}, ("image", "label"))
    with pytest.raises(
        UserError, match=r"example 1 has shape \(4, 5, 3\), those before it \(4, 4, 3\)"
    ):
        opened("sizes", data_dir, tmp_path)


def test_no_train_split(make_set, tmp_path):
    features = {
        "x": KINDS.Tensor(shape=(1,), dtype=np.float32),
        "y": KINDS.ClassLabel(num_classes=2),
    }
    data_dir = make_set("tested", features, {"test": [{"x": [1], "y": 1}]}, ("x", "y"))
    with pytest.raises(UserError, match="has no split 'train'; it has test"):
        opened("tested", data_dir, tmp_path)


@pytest.mark.parametrize("damage", ["info", "features", "no shard", "format"])
def test_damaged_sets(make_set, tmp_path, damage):
    features = {
        "x": KINDS.Tensor(shape=(1,), dtype=np.float32),
        "y": KINDS.ClassLabel(num_classes=2),
    }
    data_dir = make_set("hurt", features, {"train": [{"x": [1], "y": 1}]}, ("x", "y"))
    directory = Path(data_dir) / "hurt" / "1.0.0"
    info = directory / "dataset_info.json"
    if damage == "info":
        info.write_text("{")
    elif damage == "features":
        (directory / "features.json").unlink()
    elif damage == "no shard":
        next(directory.glob("*array_record*")).unlink()
    else:
        info.write_text(json.dumps(json.loads(info.read_text()) | {"fileFormat": "tfrecord"}))
    with pytest.raises(
        UserError, match=r"the prepared data set in .*hurt/1.0.0 cannot be read: "
    ) as error:
        opened("hurt", data_dir, tmp_path)
    assert "\n" not in str(error.value)


def prepared_images(make_set, files, shape=(4, 6, 3), test=(), name="pictures"):
    features = {"image": KINDS.Image(shape=shape), "label": KINDS.ClassLabel(num_classes=2)}
    splits = {"train": files} | ({"test": test} if test else {})
    examples = {
        split: [
            {"image": io.BytesIO(file), "label": number % 2} for number, file in enumerate(of_split)
        ]
        for split, of_split in splits.items()
    }
    return make_set(name, features, examples, ("image", "label"))


def file_of(image, kind="PNG", **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


PICTURES = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3)).astype(np.uint8)
FILES = [file_of(Image.fromarray(pixels)) for pixels in PICTURES]


def test_photographs_are_turned_upright(make_set, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # its first row is its right side
    turned = file_of(Image.fromarray(np.rot90(PICTURES[1]).copy()), exif=exif)
    x = opened("pictures", prepared_images(make_set, [FILES[0], turned]), tmp_path).arrays().x
    np.testing.assert_array_equal(x, PICTURES[:2])


def test_transparency_is_white_unless_alpha_is_a_channel(make_set, tmp_path):
    rgba = np.concatenate([PICTURES[0], np.full((4, 6, 1), 255, np.uint8)], -1)
    rgba[0, :, 3] = 0
    files = [file_of(Image.fromarray(rgba)), FILES[1]]
    source = opened("pictures", prepared_images(make_set, files), tmp_path)
    expected = PICTURES[0].copy()
    expected[0] = 255
    np.testing.assert_array_equal(source.arrays().x[0], expected)
    assert source.spec.notes == (
        "some of its images have an alpha channel; what is transparent in them is white",
    )
    source = opened(
        "rgba", prepared_images(make_set, files[:1] * 2, shape=(4, 6, 4), name="rgba"), tmp_path
    )
    np.testing.assert_array_equal(source.arrays().x[0], rgba)


def test_images_that_are_refused_are_named(make_set, tmp_path):
    frames = [Image.fromarray(pixels) for pixels in PICTURES[:3]]
    moving = file_of(frames[0], save_all=True, append_images=frames[1:])
    with pytest.raises(
        UserError, match=r"image 1 of its split 'train' has 3 frames \(PNG\); expected one"
    ):
        opened("pictures", prepared_images(make_set, [FILES[0], moving]), tmp_path)
    deep = file_of(Image.fromarray(np.full((4, 6), 300, np.uint16)))
    with pytest.raises(UserError, match=r"image 0 of its split 'train' has 16 bits per channel"):
        opened(
            "deep",
            prepared_images(make_set, [deep, FILES[0]], shape=(4, 6, 1), name="deep"),
            tmp_path,
        )
    with pytest.raises(
        UserError, match=r"image 1 of its split 'train' does not decode as an image"
    ):
        opened("none", prepared_images(make_set, [FILES[0], b"no image"], name="none"), tmp_path)


def test_test_images_that_are_training_images_are_counted(make_set, tmp_path):
    data_dir = prepared_images(make_set, FILES[:4], test=[FILES[4], FILES[1], FILES[2]])
    spec = opened("pictures", data_dir, tmp_path).spec
    assert (
        spec.notes
        == (
            "2 of its 3 test images are among its training images too (the first: row 5 is row 1)",
            "1 of its images has more than one class (the first: row 2 is row 6)",
        )
        or "2 of its 3 test images" in spec.notes[0]
    )


NUMBERS = {"x": KINDS.Tensor(shape=(2,), dtype=np.float32), "y": KINDS.Scalar(dtype=np.int64)}


def numbered(make_set, targets):
    examples = [{"x": [row, row % 3], "y": target} for row, target in enumerate(targets)]
    return make_set("numbered", NUMBERS, {"train": examples}, ("x", "y"))


def test_few_whole_numbers_are_classes_and_the_task_turns_them_into_a_quantity(make_set, tmp_path):
    data_dir = numbered(make_set, [0, 5, 0, 5])
    auto = opened("numbered", data_dir, tmp_path)
    assert (auto.spec.task, auto.spec.targets.classes, list(auto.arrays().y)) == (
        "classification",
        ("0", "5"),
        [0, 1, 0, 1],
    )
    (note,) = auto.spec.notes
    assert note.startswith(
        "the target 'y' has 2 different whole numbers (0, 5) and is read as classes; --task=regr"
    )
    same = opened("numbered", data_dir, tmp_path, task="classification")
    assert same == auto
    values = opened("numbered", data_dir, tmp_path, task="regression")
    assert (values.spec.task, values.spec.targets.classes, values.spec.notes) == (
        "regression",
        (),
        (),
    )
    assert values.arrays().y.tolist() == [0, 5, 0, 5]
    assert values.arrays().y.dtype == np.float32
    np.testing.assert_array_equal(values.arrays().x, auto.arrays().x)
    assert (
        values.spec.fingerprint == "225fea2739a06fd8836dddfaa01cc94f"
    )  # as before these were classes


def test_a_quantity_becomes_classes(make_set, tmp_path):
    data_dir = numbered(make_set, [100 * (row % 30) for row in range(60)])
    auto = opened("numbered", data_dir, tmp_path)
    assert auto.spec.task == "regression"
    assert (
        "has 30 different whole numbers (0, 100, 200, ...) and is read as a quantity"
        in auto.spec.notes[0]
    )
    classes = opened("numbered", data_dir, tmp_path, task="classification")
    assert classes.spec.targets.classes[:3] == ("0", "100", "200")
    assert list(classes.arrays().y[:3]) == [0, 1, 2]
    distinct = numbered(lambda *made: make_set(*made, version="2.0.0"), range(0, 3000, 100))
    with pytest.raises(UserError, match="each of its 30 rows would have a class of its own"):
        opened("numbered", distinct, tmp_path, task="classification")


def test_classes_that_have_names_are_no_quantity(make_set, tmp_path):
    features = {
        "x": KINDS.Tensor(shape=(1,), dtype=np.float32),
        "y": KINDS.ClassLabel(num_classes=2),
    }
    data_dir = make_set(
        "named", features, {"train": [{"x": [v], "y": v} for v in (0, 1)]}, ("x", "y")
    )
    assert opened("named", data_dir, tmp_path, task="regression").spec.task == "classification"


def test_missing_numbers_are_named_or_filled(make_set, tmp_path):
    features = {"x": {"age": np.float32, "tall": np.float32}, "y": KINDS.ClassLabel(num_classes=2)}
    ages = [30, 40, np.nan, 50] * 5
    examples = [{"x": {"age": age, "tall": row}, "y": row % 2} for row, age in enumerate(ages)]
    data_dir = make_set("gaps", features, {"train": examples}, ("x", "y"))
    with pytest.raises(
        UserError, match=r"gaps, row 2 \(the first is 0\), column 'age': the value is missing; set"
    ):
        opened("gaps", data_dir, tmp_path)
    source = opened("gaps", data_dir, tmp_path, impute="mean")
    assert source.spec.inputs.as_a(TableColumns).impute == "mean"
    assert np.isnan(source.arrays().x[2, 0])
    images = {
        "x": KINDS.Tensor(shape=(4, 4, 1), dtype=np.uint8),
        "y": KINDS.ClassLabel(num_classes=2),
    }
    pixels = [{"x": np.full((4, 4, 1), row, np.uint8), "y": row} for row in (0, 1)]
    data_dir = make_set("pictures", images, {"train": pixels}, ("x", "y"))
    with pytest.raises(
        UserError, match="impute fills the columns of a table, and an example of pictures has shape"
    ):
        opened("pictures", data_dir, tmp_path, impute="mean")


def test_a_test_split_without_labels_is_left_out(make_set, tmp_path):
    features = {
        "x": KINDS.Tensor(shape=(1,), dtype=np.float32),
        "y": KINDS.ClassLabel(num_classes=2),
    }
    splits = {"train": [(0, 0), (1, 1), (2, 1)], "test": [(3, -1), (4, -1)]}
    examples = {name: [{"x": [x], "y": y} for x, y in rows] for name, rows in splits.items()}
    spec = opened("contest", make_set("contest", features, examples, ("x", "y")), tmp_path).spec
    assert (spec.size, spec.test_size) == (3, 0)
    assert "its split 'test' has no labels (all 2 are -1) and is left out" in spec.notes[0]
