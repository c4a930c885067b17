"""`file:SPLIT.csv`: the parts that a file lists, and what is wrong with one."""

from pathlib import Path

import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research import config as config_lib
from research.data.in_memory import InMemorySource, grouped
from research.data.split import Split
from research.data.splitters.division import division
from research.errors import UserError
from research.registry import SPLITTERS
from tests.support.engine import IMAGES, planner


def splits(file: Path, source: object = IMAGES) -> list[Split]:
    config, _ = config_lib.resolve({"split": f"file:{file}"})
    spec, arrays = source.spec, source.data  # type: ignore[attr-defined]
    found = division(config.split).splits(spec, arrays, seed=0)
    sizes = division(config.split).sizes(spec)
    assert [tuple(map(len, split)) for split in found] == [tuple(size) for size in sizes]
    return found


def test_the_rows_are_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "split.csv"
    file.write_text("row,part\n4,train\n0,test\n2,train\n\n3,validation\n")
    (split,) = splits(file)
    assert [rows.tolist() for rows in split] == [[2, 4], [3], [0]]


def test_a_file_with_folds(tmp_path: Path) -> None:
    file = tmp_path / "folds.csv"
    lines = [
        f"{row},{fold},{'test' if row % 2 == fold else 'train'}"
        for fold in (0, 1)
        for row in range(60)
    ]
    file.write_text("\n".join(["row,fold,part", *lines]))
    even, odd = splits(file)
    np.testing.assert_array_equal(even.test, np.arange(0, 60, 2))
    np.testing.assert_array_equal(odd.train, np.arange(0, 60, 2))
    requests = planner().each_fold([{"split": f"file:{file}", "arch": "linear", "batch_size": 8}])
    runs = planner().runs(requests)
    assert [run.config.fold for run in runs] == [0, 1]
    other = tmp_path / "again"
    other.mkdir()
    # The same content is the same run wherever it lies, and another content is another run.
    ids = {run.id for run in runs}
    (other / "folds.csv").write_text(file.read_text())
    moved = [{**request, "split": f"file:{other / 'folds.csv'}"} for request in requests]
    assert {run.id for run in planner().runs(moved)} == ids
    (other / "again.csv").write_text(file.read_text().replace("59,1,test", "59,1,validation"))
    changed = [{**request, "split": f"file:{other / 'again.csv'}"} for request in requests]
    assert not ids & {run.id for run in planner().runs(changed)}
    # A file that changes under way is counted again.
    file.write_text("\n".join(["row,fold,part", *lines, "0,2,train"]))
    assert len(planner().each_fold([{"split": f"file:{file}"}])) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its header is ''; expected row,part or row,fold,part"),
        ("number,part\n1,train", "its header is 'number,part'"),
        ("row,part", "lists no rows"),
        ("row,part\n1,train\n2,tset", "row 3: part 'tset' is none of .*; did you mean test"),
        ("row,part\n-1,train", "row 2: row is '-1'; expected a whole number from 0"),
        # As int32 it would be row 2.
        ("row,part\n4294967298,train", "row 2: row is '4294967298'; expected a whole number"),
        ("row,part\n1,train\n1,test", "row 3: row 1 is in line 2 already"),
        ("row,part\n1,train,x", "row 2: 3 cells, and the header has 2"),
        ("row,part\n1,test", "fold 0 has no training rows"),
        ("row,part\n1,train\n60,test", "row 60 is beyond the last row of memory, 59"),
        ("row,fold,part\n1,1,train", "fold 0 has no training rows; folds are counted from 0"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "split.csv"
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        splits(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"split=file:.*none.csv: No such file"):
        splits(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,train\n9,train\n5,test\n3,test", "0 and 3 are of one group, .* train and test"),
        ("0,train\n3,validation\n9,test", "0 and 3 are of one group, .* train and validation"),
        ("9,train\n0,validation\n3,test", "0 and 3 are of one group, .* validation and test"),
    ],
)
def test_a_group_in_two_parts_is_named(text: str, message: str, tmp_path: Path) -> None:
    """Rows 0 to 3 are the first group, 4 to 8 the second."""
    file = tmp_path / "split.csv"
    file.write_text(f"row,part\n{text}")
    with pytest.raises(UserError, match=f"rows {message}"):
        splits(file, grouped(IMAGES))


def test_fewer_training_rows_keep_the_share_of_each_class(tmp_path: Path) -> None:
    """The rows are sorted by class, as in many files."""
    order = np.argsort(IMAGES.data.y, kind="stable")
    y = IMAGES.data.y[order]
    source = InMemorySource(IMAGES.spec, IMAGES.data._replace(y=y))
    file = tmp_path / "split.csv"
    file.write_text("\n".join(["row,part", *(f"{row},train" for row in range(40)), "50,test"]))
    config, _ = config_lib.resolve({"split": f"file:{file}"})
    divided = division(config.split)
    (split,) = divided.splits(source.spec, source.data, seed=0, train_size=20)
    counts = np.bincount(y[:40])
    assert len(split.train) == 20
    assert np.all(np.diff(split.train) > 0)
    assert np.all(np.abs(np.bincount(y[split.train]) - counts / 2) < 1)


def test_a_file_that_is_written_again_is_another_split(tmp_path: Path) -> None:
    """Its rows are read again, and the run gets another id: in a notebook files change."""
    file = tmp_path / "split.csv"
    versions = set()
    for test in (0, 13):
        file.write_text("row,part\n" + "".join(f"{n},train\n" for n in (1, 2)) + f"{test},test\n")
        (split,) = splits(file)
        assert split.test.tolist() == [test]
        versions.add(SPLITTERS.get(f"file:{file}").version)
    assert len(versions) == 2
