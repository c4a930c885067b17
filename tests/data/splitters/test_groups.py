"""Splits of whole groups: the column of a csv file that says which rows belong together."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

import research.catalogue  # noqa: F401
from research import config as config_lib
from research.data.arrow import pa
from research.data.csv_columns import CsvColumn
from research.data.csv_groups import pop_groups
from research.data.csv_numbers import Format
from research.data.source import open_source
from research.data.spec import spec_of, stored_spec
from research.data.splitters.division import division
from research.data.splitters.group_kfold import group_kfold, stratified_group_kfold
from research.errors import UserError
from research.sweeps.plan.run_planner import Planner

ROWS = 80


def planner(folder: Path) -> Planner:
    def opened(config: config_lib.RunConfig) -> Any:
        options = dict(config.dataset.options)
        return open_source(
            config.dataset.name, options, data_dir=None, cache_dir=str(folder / "cache")
        )

    return Planner(opened)


@pytest.fixture
def table(tmp_path: Path) -> tuple[Path, np.ndarray, np.ndarray]:
    """A file with a column of groups, these groups as texts, and the classes."""
    generator = np.random.default_rng(0)
    groups = generator.choice(["p10", "p9", "anna", "bert", "z", "c c"], ROWS)
    groups[:7] = ["p10", "p9", "anna", "bert", "z", "c c", "d"]
    y = generator.choice(["sick", "well", "unsure"], ROWS, p=[0.2, 0.5, 0.3])
    lines = [
        f"{value:.3f},{group},{label}"
        for value, group, label in zip(generator.normal(size=ROWS), groups, y, strict=True)
    ]
    file = tmp_path / "patients.csv"
    file.write_text("\n".join(["x,patient,label", *lines]))
    return file, groups, y


def settings(file: Path, **more: Any) -> dict[str, Any]:
    base = {"dataset": f"csv:{file}", "dataset.target": "label", "arch": "linear", "batch_size": 8}
    return base | more


@pytest.mark.parametrize(
    ("name", "reference"),
    [("group_kfold", GroupKFold(3)), ("stratified_group_kfold", StratifiedGroupKFold(3))],
)
def test_the_rows_are_those_of_scikit_learn(
    name: str, reference: Any, table: tuple[Path, np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    file, groups, y = table
    plans = planner(tmp_path)
    requests = plans.each_fold([settings(file, split=f"{name}(3,group=patient)")])
    assert len(requests) == 3
    run, *_ = plans.runs(requests)
    source = plans.source(run.config)
    assert source.spec.inputs.names == ("x",)
    assert spec_of(stored_spec(source.spec)) == source.spec
    splits = division(run.config.split).splits(source.spec, source.arrays(), seed=0)
    for split, (train, test) in zip(
        splits, reference.split(np.zeros(ROWS), y, groups), strict=True
    ):
        np.testing.assert_array_equal(split.train, train)
        np.testing.assert_array_equal(split.test, test)
    held_out = plans.runs(
        plans.each_fold([settings(file, split=f"{name}(3,group=patient,validation=0.25)")])
    )
    splits = division(held_out[0].config.split).splits(source.spec, source.arrays(), seed=0)
    for split, (_, test) in zip(splits, reference.split(np.zeros(ROWS), y, groups), strict=True):
        np.testing.assert_array_equal(split.test, test)
        parts = [{*groups[rows]} for rows in split]
        assert all(parts)
        assert not parts[0] & parts[1]
        assert not (parts[0] | parts[1]) & parts[2]
    # All seeds share the folds.
    assert plans.runs([{**requests[0], "seed": 4}])[0].config.split_seed == 0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"split": "kfold(3)", "dataset.group": "patient", "fold": 0},
            r"puts rows of one group \(group=patient\) into training and test rows; use group_k",
        ),
        ({"dataset.group": "patient"}, "split=8:1:1 puts rows of one group"),
        ({"split": "group_kfold(3)"}, "the split divides groups of rows, and csv:patients.csv has"),
        (
            {"split": "group_kfold(3,group=patent)"},
            "patients.csv has no such column; did you mean patient",
        ),
        (
            {"split": "group_kfold(3,group=patient,validation=0.05)"},
            r"validation=0.05 takes one of 20 parts of the training rows, and those of fold 0 have",
        ),
        (
            {"split": "stratified_group_kfold(3,group=patient,validation=0.6)"},
            r"split.validation=0.6 is out of range; it must be in \[0, 0.5\]",
        ),
        ({"split": "group_kfold(3,group=label)"}, "group=label: this is the target"),
        ({"split": "group_kfold(8,group=patient)"}, "7 groups cannot be divided into 8 folds"),
        (
            {"split": "group_kfold(3,group=patient)", "dataset.numbers": "patient"},
            "numbers=patient: this is the column of group=patient, which is no input; leave it",
        ),
        (
            {"dataset.group": "patient", "dataset.task": "forecast"},
            "group joins the rows of a table; leave it out of a forecast",
        ),
        (
            {"split": "group_kfold(3,group=patient)", "dataset.group": "x"},
            "split.group=patient and dataset.group=x name different columns",
        ),
    ],
)
def test_what_cannot_be(
    more: dict[str, Any],
    message: str,
    table: tuple[Path, np.ndarray, np.ndarray],
    tmp_path: Path,
) -> None:
    plans = planner(tmp_path)
    with pytest.raises(UserError, match=message):
        plans.runs(plans.each_fold([settings(table[0], **more)]))


def test_classes_too_few_for_the_share_that_validates() -> None:
    groups = np.repeat(np.arange(30), 2)
    labels = np.tile(np.arange(4), 15)  # 12 of 48 rows
    with pytest.raises(UserError, match=r"one of 20 parts .* no class of fold 0 has more than 12"):
        stratified_group_kfold(60, labels, groups, 0, folds=5, validation=0.05)
    for divide in (stratified_group_kfold, group_kfold):
        # Without strata no class is too small.
        share = 0.1 if divide is stratified_group_kfold else 0.05
        divided = divide(60, labels, groups, 0, folds=5, validation=share)
        assert [len(validation) > 0 for _, validation, _ in divided] == [True] * 5


def test_a_row_without_a_group_is_named(tmp_path: Path) -> None:
    file = tmp_path / "gap.csv"
    file.write_text("x,patient,label\n1,a,u\n2,,v\n3,b,u\n")
    with pytest.raises(UserError, match=r"row 3, column 'patient': the row has no group"):
        planner(tmp_path).each_fold([settings(file, split="group_kfold(2,group=patient)")])


def groups_of(*cells: str, **form: Any) -> list[int]:
    column = CsvColumn(Path("t.csv"), "who", pa.array(cells, pa.string()))
    places = pop_groups({"who": column}, "who", "y", Format(**form))
    assert places is not None
    return list(map(int, places))


def test_texts_are_groups_and_numbers_order_them() -> None:
    # As float64 the first two would be one number, and so would the last two.
    assert groups_of("12345678901234567", "12345678901234568") == [0, 1]
    assert len({*groups_of("1e5", "100000")}) == 2
    assert groups_of("10", "9", "-1", "9") == [2, 1, 0, 1]
    assert groups_of("p10", "p9", "a", "p9") == [1, 2, 0, 2]
    assert groups_of("p1", "NA") == [1, 0]  # a text among texts, as in other columns


@pytest.mark.parametrize("cell", ["NA", "nan", "?", "-999", "none"])
def test_what_stands_for_a_missing_value_is_no_group(cell: str) -> None:
    with pytest.raises(
        UserError, match=re.escape(f"row 4, column 'who': the row has no group ('{cell}'")
    ):
        groups_of("1", "2", cell, "3", cell, missing=("-999", "none"))
    if cell != "NA":
        with pytest.raises(UserError, match="the row has no group"):
            groups_of("a", "b", cell, missing=("-999", "none"))


def test_a_data_set_without_columns_has_no_groups(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="names the column 'a', and digits is no csv file"):
        planner(tmp_path).each_fold([{"split": "group_kfold(2,group=a)"}])
