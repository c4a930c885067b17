"""Folders of images: shapes, classes, own test split, and images that are wrong, named."""

import re
import shutil
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from research.data import (
    array_cache,
    builder,
    image_folder,
    prepared_contents,
    progress_bar,
    repeats,
)
from research.data.features.numbers import Numbers
from research.data.source import open_source
from research.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def flowers(tmp_path):
    """`save(path, array)` under a folder named flowers, which it returns."""

    def save(path, pixels, **options):
        file = tmp_path / "flowers" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(pixels, np.uint8)).save(file, **options)
        return tmp_path / "flowers"

    return save


def opened(folder, **options):
    cache = str(folder.parent / "cache")
    return open_source(f"folder:{folder}", options, data_dir=None, cache_dir=cache)


def pixels(seed, *shape):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def test_a_folder_for_each_class(flowers):
    images = {
        "tulip/1.png": pixels(0, 4, 5, 3),
        "rose/2.png": pixels(1, 4, 5, 3),
        "rose/1.png": pixels(2, 4, 5, 3),
    }
    for path, image in images.items():
        folder = flowers(path, image)
    (folder / "rose" / ".hidden").write_text("")
    (folder / "README").write_text("not a class")
    source = opened(folder)
    x, y, own_test, *_ = source.arrays()
    expected = [images["rose/1.png"], images["rose/2.png"], images["tulip/1.png"]]
    np.testing.assert_array_equal(x, expected)
    assert (list(y), source.spec.targets.classes, len(own_test)) == (
        [0, 0, 1],
        ("rose", "tulip"),
        0,
    )
    assert (
        source.spec.name,
        source.spec.inputs.shape,
        source.spec.inputs.as_a(Numbers).maximum,
    ) == (
        "folder:flowers",
        (4, 5, 3),
        255.0,
    )


def test_grey_images_have_one_channel_unless_one_is_coloured(flowers):
    grey, colour = pixels(0, 3, 3), pixels(1, 3, 3, 3)
    flowers("a/1.png", grey)
    folder = flowers("b/1.png", grey)
    np.testing.assert_array_equal(opened(folder).arrays().x[0, ..., 0], grey)
    flowers("b/2.png", colour)
    x = opened(folder).arrays().x
    np.testing.assert_array_equal(x[0], np.repeat(grey[..., None], 3, axis=-1))
    np.testing.assert_array_equal(x[2], colour)


def test_own_test_split(flowers):
    for place, part in enumerate(["train", "test"]):
        for number in range(3 - place):
            flowers(f"{part}/a/{number}.png", np.full((2, 2), 10 * place + number))
            folder = flowers(f"{part}/b/{number}.png", np.full((2, 2), 100 + 10 * place + number))
    source = opened(folder)
    x, y, own_test, *_ = source.arrays()
    assert list(x[:, 0, 0, 0]) == [0, 1, 2, 100, 101, 102, 10, 11, 110, 111]
    assert list(y) == [0, 0, 0, 1, 1, 1, 0, 0, 1, 1]
    assert list(own_test) == [6, 7, 8, 9]
    assert source.spec.test_size == 4


def test_size_resizes(flowers):
    flowers("a/1.png", np.full((8, 6, 3), 50))
    folder = flowers("b/1.png", np.full((3, 3, 3), 70))
    assert opened(folder, size="4,2").spec.inputs.shape == (4, 2, 3)
    x = opened(folder, size="5").arrays().x
    assert x.shape == (2, 5, 5, 3)
    assert [int(image.mean()) for image in x] == [50, 70]
    np.testing.assert_array_equal(x, opened(folder, size=(5, 5)).arrays().x)


def test_different_sizes(flowers):
    flowers("a/1.png", np.zeros((4, 5)))
    folder = flowers("b/1.png", np.zeros((4, 6)))
    with pytest.raises(
        UserError,
        match=r"b/1.png has 4x6 pixels .* but .*a/1.png has 4x5; .*--dataset.size=HEIGHT,WIDTH",
    ):
        opened(folder)


@pytest.mark.parametrize("damage", [b"not an image", b""])
def test_image_that_does_not_decode(flowers, damage):
    flowers("a/1.png", np.zeros((4, 4)))
    folder = flowers("b/1.png", np.zeros((4, 4)))
    (folder / "b" / "2.png").write_bytes(damage)
    with pytest.raises(UserError, match=r"b/2\.png does not decode as an image"):
        opened(folder)


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_image_cut_short(flowers, kind):
    flowers(f"a/1.{kind}", pixels(0, 40, 40, 3))
    folder = flowers(f"b/1.{kind}", pixels(1, 40, 40, 3))
    file = folder / "b" / f"1.{kind}"
    file.write_bytes(file.read_bytes()[:-800])
    with pytest.raises(UserError, match=rf"b/1.{kind} does not decode as an image"):
        opened(folder)


def test_sixteen_bit_image(flowers):
    folder = flowers("a/1.png", np.zeros((4, 4)))
    (folder / "b").mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(folder / "b" / "1.png")
    with pytest.raises(UserError, match=r"b/1\.png has 16 bits per channel"):
        opened(folder)


def test_wrong_folders(flowers, tmp_path):
    with pytest.raises(
        UserError,
        match="is not a folder; expected a folder that has one folder of images per class",
    ):
        opened(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        UserError, match="needs a folder of images for each of two classes or more; it has none"
    ):
        opened(tmp_path / "empty")
    with pytest.raises(UserError, match=r"two classes or more; it has a$"):
        opened(flowers("a/1.png", np.zeros((4, 4))))
    with pytest.raises(UserError, match="folder: names no directory"):
        open_source("folder:", {}, data_dir=None, cache_dir=str(tmp_path))
    with pytest.raises(UserError, match="size=1,2,3: expected height,width"):
        opened(tmp_path / "empty", size="1,2,3")


@pytest.mark.parametrize("content", [[], [".hidden"]])
def test_class_without_images(flowers, content):
    flowers("a/1.png", np.zeros((4, 4)))
    folder = flowers("c/1.png", np.zeros((4, 4)))
    (folder / "b").mkdir()
    for name in content:
        (folder / "b" / name).write_text("")
    with pytest.raises(
        UserError, match="flowers/b has no images; put some there or remove the folder"
    ):
        opened(folder)


def test_class_that_only_the_test_part_has(flowers):
    for path in ("train/a/1.png", "train/b/1.png", "test/c/1.png"):
        folder = flowers(path, np.zeros((4, 4)))
    with pytest.raises(UserError, match=r"train has no images of the class 'c', which .*test has"):
        opened(folder)


def test_fingerprint_is_of_the_content(flowers):
    flowers("a/1.png", pixels(0, 4, 4))
    folder = flowers("b/1.png", pixels(1, 4, 4))
    before = opened(folder).spec.fingerprint
    moved = folder.rename(folder.with_name("elsewhere"))
    assert opened(moved).spec.fingerprint == before
    (moved / "b").rename(moved / "c")
    assert opened(moved).spec.fingerprint != before


def ramp(number, label, part):
    return np.arange(60, dtype=np.uint8).reshape(4, 5, 3) + np.uint8(
        10 * number + 60 * (label == "b") + 100 * part
    )


def test_fingerprints_stay_what_they_were(flowers):
    """Of this content, when all of it was read into memory; a record is found by it."""
    for part, label, count in (
        ("train", "a", 3),
        ("train", "b", 2),
        ("test", "a", 1),
        ("test", "b", 2),
    ):
        for number in range(count):
            where = flowers(f"{part}/{label}/{number}.png", ramp(number, label, part == "test"))
    assert opened(where).spec.fingerprint == "5a3f7658fdcd17ee8b5919b323747278"
    assert opened(where, size="3,2").spec.fingerprint == "d65cfcaf9848cad19155b397bdc30394"


def many(flowers, count, side=32):
    """`count` images of two classes, as they should be read."""
    images = [pixels(number, side, side, 3) for number in range(count)]
    for number, image in enumerate(images):
        where = flowers(f"{'ab'[2 * number // count]}/{number:05}.png", image, compress_level=0)
    return where, images


@pytest.fixture
def small_pieces(monkeypatch):
    """Every buffer on the way is a few images, so that a few hundred are many."""
    monkeypatch.setattr(image_folder, "_CHUNK", 3)
    monkeypatch.setattr(prepared_contents, "_CHUNK", 5)
    monkeypatch.setattr(builder, "SHARD_BYTES", 7 * 32 * 32 * 3)


def test_shards_and_chunks_keep_the_order(flowers, small_pieces):
    where, images = many(flowers, 40)
    x, y, *_ = opened(where).arrays()
    np.testing.assert_array_equal(x, images)
    assert list(y) == [0] * 20 + [1] * 20
    shards = list((where.parent / "cache" / "tensorflow_datasets").rglob("*.array_record-*"))
    assert len(shards) == 6  # 40 rows, 7 a shard


def test_memory_does_not_grow_with_the_folder(flowers, small_pieces, monkeypatch):
    def peak(count):
        where, images = many(flowers, count, side=64)
        expected = np.stack(images)
        del images
        tracemalloc.start()
        source = opened(where)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        np.testing.assert_array_equal(source.arrays().x, expected)
        shutil.rmtree(where)
        return most, expected.nbytes

    monkeypatch.setattr(array_cache, "_PIECE", 1 << 16)
    monkeypatch.setattr(repeats, "_PIECE", 1 << 16)
    peak(10)  # imports
    (few, part), (more, whole) = peak(100), peak(400)
    assert more < whole / 3
    assert (
        more - few < (whole - part) / 4
    )  # the files' paths are kept, 1 to 2 kB each here; the pixels are not


@pytest.mark.parametrize("bad", [0, 50, 99])
def test_the_first_image_that_does_not_decode_is_named_and_no_worker_left(flowers, bad):
    where, _ = many(flowers, 100, side=40)
    names = sorted(where.rglob("*.png"))
    for number in (bad, 99):
        names[number].write_bytes(names[number].read_bytes()[:-800])
    with pytest.raises(UserError) as error:
        opened(where)
    assert str(error.value).startswith(f"{names[bad]} does not decode as an image (")
    assert "\n" not in str(error.value)
    deadline = time.monotonic() + 20
    while workers := [thread for thread in threading.enumerate() if "grain" in thread.name]:
        assert time.monotonic() < deadline, workers
        time.sleep(0.01)
    assert not list((where.parent / "cache").rglob("*.array_record*"))
    assert not list((where.parent / "cache").rglob("*.npy"))


@pytest.mark.parametrize("limit", [20_000, 100_000])  # in a shard; in the decoded copy
def test_a_full_disk_is_one_line(flowers, limit):
    where, _ = many(flowers, 100)
    code = (
        "import resource, signal, sys; from research.data import builder; builder.SHARD_BYTES ="
        " 50_000;from research.data.source import open_source; import grain,"
        f" tensorflow_datasets;resource.setrlimit(resource.RLIMIT_FSIZE, ({limit},"
        f" {limit}));open_source('folder:' + sys.argv[1], {{}}, data_dir=None,"
        " cache_dir=sys.argv[2])"
    )
    command = [sys.executable, "-B", "-c", code, str(where), str(where.parent / "cache")]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    last = run.stderr.strip().splitlines()[-1]
    assert re.match(
        r"research\.errors\.UserError: cannot write the cache directory .*cache: .*File too large",
        last,
    )
    source = opened(where)  # there is space again
    assert source.spec.size == 100


def test_progress_of_what_takes_long_and_none_of_what_does_not(flowers, monkeypatch, capsys):
    where, _ = many(flowers, 40)
    opened(where)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress_bar, "SECONDS", 1e-6)
    monkeypatch.setattr(progress_bar, "FILE_SECONDS", 0.0)
    opened(where, size="8")
    shown = capsys.readouterr().err
    for phase in ("checking", "looking at", "preparing", "decoding"):
        assert re.search(rf"{phase} [^\r\n]*100%[^\r\n]* 40/40 \[[^\r\n]*<", shown), phase


def test_names_of_classes_stay_whole(tmp_path: Path) -> None:
    """TFDS keeps names in a file with a line for each."""
    names = ("a\nb", " c ", "d")
    for name in names:
        (tmp_path / "pets" / name).mkdir(parents=True)
        for shade in (40, 90):
            Image.new("L", (3, 3), shade).save(tmp_path / "pets" / name / f"{shade}.png")
    source = open_source(
        f"folder:{tmp_path}/pets", {}, data_dir=None, cache_dir=str(tmp_path / "cache")
    )
    assert source.spec.targets.classes == tuple(sorted(names))
    assert source.arrays().y.tolist() == [0, 0, 1, 1, 2, 2]
