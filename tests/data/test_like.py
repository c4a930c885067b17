"""Other files of the same kind as a set: columns and classes matched by name, and what does not
match, named."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from research.data import csv_file, image_folder
from research.data.features.image import Image as ImageFeature
from research.data.features.label import Label
from research.data.features.number import Number
from research.data.features.table_columns import TableColumns
from research.data.source import open_source
from research.data.spec import DataSpec
from research.errors import UserError

FLOWERS = """length,colour,wet,species
1.5,red,0,rose
2,blue,1,tulip
-3e-1,red,0,rose
4,green,1,aster
"""


@pytest.fixture
def spec(tmp_path: Path) -> DataSpec:
    """Of a table with a category, to predict a class."""
    (tmp_path / "flowers.csv").write_text(FLOWERS)
    return open_source(
        f"csv:{tmp_path}/flowers.csv", {"target": "species"}, data_dir=None, cache_dir=str(tmp_path)
    ).spec


def read(
    tmp_path: Path, spec: DataSpec, text: str, target: str = "species"
) -> tuple[np.ndarray, np.ndarray | None, list]:
    (tmp_path / "new.csv").write_text(text)
    return csv_file.read_like(tmp_path / "new.csv", spec, {"target": target})[:3]


def test_the_same_file_gives_the_same_arrays(tmp_path: Path, spec: DataSpec) -> None:
    source = open_source(
        f"csv:{tmp_path}/flowers.csv", {"target": "species"}, data_dir=None, cache_dir=str(tmp_path)
    ).arrays()
    x, y, left = read(tmp_path, spec, FLOWERS)
    assert x[:].tobytes() == source.x[:].tobytes()
    assert y is not None
    assert (y.dtype, y.tolist()) == (source.y.dtype, source.y.tolist())
    assert left == []


def test_columns_are_matched_by_name_and_may_lack_the_target_and_categories(
    tmp_path: Path, spec: DataSpec
) -> None:
    x, y, left = read(tmp_path, spec, "wet;id;colour;length\n1;a;blue;7\n0;b;blue;8\n")
    assert x[:].tolist() == [[7, 1, 0, 0, 1], [8, 1, 0, 0, 0]]
    assert y is None
    assert left == ["id"]


def test_missing_values_are_filled_where_the_run_fills_them(tmp_path: Path, spec: DataSpec) -> None:
    text = "length,colour,wet\n?,,1\n"
    with pytest.raises(
        UserError,
        match=r"row 2, column 'length': the value is missing \('\?'\); .* without --impute",
    ):
        read(tmp_path, spec, text)
    x, _, _ = read(
        tmp_path,
        dataclasses.replace(spec, inputs=dataclasses.replace(spec.inputs, impute="mean")),
        text,
    )
    np.testing.assert_array_equal(x, np.array([[np.nan, 0, 0, 0, 1]], np.float32))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "length,color,wet\n1,red,0\n",
            r"has no column 'colour', which the run was trained on; did you mean color",
        ),
        (
            "length,colour,wet\n1,pink,0\n",
            r"row 2, column 'colour': 'pink' was not there in training; .*blue",
        ),
        ("length,colour,wet\n1,red,dry\n", r"row 2, column 'wet': 'dry' is not a number"),
        (
            "length,colour,wet,species\n1,red,0,ros\n",
            r"'ros' is not one of the classes; did you mean rose",
        ),
        (
            "length,colour,wet,species\n1,red,0,\n",
            r"column 'species': the value is missing; delete the row, or leave the column out",
        ),
        ("length,colour,wet\n", "has a header but no rows"),
    ],
)
def test_what_does_not_match_is_named(tmp_path: Path, spec: DataSpec, text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        read(tmp_path, spec, text)


def test_an_equals_sign_in_a_name_or_a_category(tmp_path: Path) -> None:
    table = "a=b,kind,y\n" + "".join(f"{i},{'u=v' if i % 2 else 'w'},{i % 2}\n" for i in range(8))
    (tmp_path / "odd.csv").write_text(table)
    source = open_source(
        f"csv:{tmp_path}/odd.csv", {"target": "y"}, data_dir=None, cache_dir=str(tmp_path)
    )
    assert source.spec.inputs.as_a(TableColumns).names == ("a=b", "kind=u=v", "kind=w")
    x, _, _ = read(tmp_path, source.spec, table, "y")
    np.testing.assert_array_equal(x[:], source.arrays().x[:])


def test_values_of_a_regression(tmp_path: Path, spec: DataSpec) -> None:
    values = dataclasses.replace(spec, targets=Number(), task="regression")
    _, y, _ = read(tmp_path, values, "length,colour,wet,price\n1,red,0,2.5\n", "price")
    assert y is not None
    assert (y.dtype, y.tolist()) == (np.float32, [2.5])
    with pytest.raises(UserError, match=r"'dear' is not a number; .*leave the column out"):
        read(tmp_path, values, "length,colour,wet,price\n1,red,0,dear\n", "price")


IMAGES = DataSpec(
    "pets",
    "classification",
    ImageFeature((4, 5, 3), maximum=255.0),
    Label(names=("cat", "dog")),
    9,
    0,
    "x",
)


def draw(path: Path, shade: int, size: tuple[int, int] = (5, 4)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (shade, shade, shade)).save(path)


def test_images_in_folders_of_known_classes(tmp_path: Path) -> None:
    draw(tmp_path / "set/dog/b.png", 20)
    draw(tmp_path / "set/dog/a.png", 10)
    x, y, files, _ = image_folder.read_like(tmp_path / "set", IMAGES, False)
    assert x.shape == (2, 4, 5, 3)
    assert x[:, 0, 0, 0].tolist() == [10, 20]
    assert y is not None
    assert y.tolist() == [
        1,
        1,
    ]  # their place among the classes of training, not among those that are here
    assert [file.name for file in files] == ["a.png", "b.png"]


def test_images_without_classes(tmp_path: Path) -> None:
    draw(tmp_path / "set/b.png", 20)
    x, y, files, _ = image_folder.read_like(tmp_path / "set", IMAGES, False)
    assert (len(x), y, [file.name for file in files]) == (1, None, ["b.png"])


def test_images_that_do_not_match_are_named(tmp_path: Path) -> None:
    draw(tmp_path / "set/dgo/b.png", 20)
    with pytest.raises(UserError, match="has the class 'dgo', which is unknown; did you mean dog"):
        image_folder.read_like(tmp_path / "set", IMAGES, False)
    draw(tmp_path / "small/dog/b.png", 20, (3, 3))
    with pytest.raises(UserError, match=r"b.png has 3x3 pixels; the run was trained on 4x5"):
        image_folder.read_like(tmp_path / "small", IMAGES, False)
    assert image_folder.read_like(tmp_path / "small", IMAGES, True)[0].shape == (1, 4, 5, 3)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="has no images"):
        image_folder.read_like(tmp_path / "empty", IMAGES, False)
    with pytest.raises(UserError, match="is not a folder"):
        image_folder.read_like(tmp_path / "nowhere", IMAGES, False)
