"""Splits of whole groups: the column of a csv file that says which rows belong together."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

import research.catalogue  # noqa: F401
from research import config as config_lib
from research.data.source import open_source
from research.data.spec import spec_of, stored_spec
from research.data.splitters.division import division
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
        ({"split": "group_kfold(3,group=label)"}, "group=label: this is the target"),
        ({"split": "group_kfold(8,group=patient)"}, "7 groups cannot be divided into 8 folds"),
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


def test_a_row_without_a_group_is_named(tmp_path: Path) -> None:
    file = tmp_path / "gap.csv"
    file.write_text("x,patient,label\n1,a,u\n2,,v\n3,b,u\n")
    with pytest.raises(UserError, match=r"row 3, column 'patient': the row has no group"):
        planner(tmp_path).each_fold([settings(file, split="group_kfold(2,group=patient)")])


def test_a_data_set_without_columns_has_no_groups(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="names the column 'a', and digits is no csv file"):
        planner(tmp_path).each_fold([{"split": "group_kfold(2,group=a)"}])
