"""Sources of variance: what is checked before training, and what each row says."""

from pathlib import Path
from typing import Any, NoReturn

import pytest

from research.analysis import source_variance
from research.analysis.render import render
from research.analysis.source_variance import of_experiment
from research.errors import UserError
from research.sweeps.column import Column
from research.sweeps.declare.variance_draws import ROWS, TOGETHER, VarianceDraws, redrawn_seed
from research.sweeps.execute.observer import Observer
from research.sweeps.experiment import Experiment
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from tests.support.engine import planner

DRAWS = VarianceDraws(["init", "order"], draws=2, bases=2)
SMALL = {"batch_size": 8}
SEEDED = ("init", "order", "noise", "split", TOGETHER)


def test_no_two_draws_share_a_seed() -> None:
    draws = [
        (source, base, draw) for source in SEEDED for base in range(20) for draw in range(1, 20)
    ]
    assert len({redrawn_seed(*each) for each in draws}) == len(draws)


def test_together_repeats_no_seed_of_a_source_and_more_draws_reuse_fewer() -> None:
    few = DRAWS.requests({})
    alone = {settings["init_seed"] for base in few["init"] for settings in base[1:]}
    together = {settings["init_seed"] for base in few[TOGETHER] for settings in base[1:]}
    assert len(alone) == len(together) == 2
    assert not alone & together
    assert [base[0] for base in few["init"]] == [{"seed": 0}, {"seed": 1}]
    many = VarianceDraws(["order", "noise", "init"], draws=5, bases=3).requests({})
    for base, of_base in enumerate(few["init"]):
        assert many["init"][base][:2] == of_base


def _table(
    tmp_path: Path, column: Column, settings: dict[str, Any]
) -> source_variance.VarianceTable:
    experiment = Experiment("t", "", {"split": "4:1:1", **settings}, {"a": {}}, (column,), seeds=2)
    return of_experiment(experiment, None, DRAWS, planner(), Store(tmp_path), Observer())


@pytest.mark.parametrize(
    ("column", "settings", "line"),
    [
        (Column("c", "test/rmse", "lower"), SMALL, "no run measures 'rmse'"),
        (Column("c", "oof/accuracy"), {**SMALL, "split": "kfold(2)"}, "with test/accuracy"),
        (Column("c", "oof/accuracy"), SMALL, "the split has none"),
        (
            Column("c", "steps_to(validation/accuracy>=0.9)", "lower"),
            {**SMALL, "split": "kfold(2)"},
            "no run has validation rows; give a split that has some",
        ),
    ],
)
def test_a_column_that_no_run_will_have_is_refused_before_training(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    column: Column,
    settings: dict[str, Any],
    line: str,
) -> None:
    def train(*args: object, **more: object) -> NoReturn:
        raise AssertionError("it trains")

    monkeypatch.setattr(source_variance, "ensure_records", train)
    with pytest.raises(UserError, match=line):
        _table(tmp_path, column, settings)


def test_columns_of_effort_are_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(runs: Any, *args: object, **more: object) -> dict[str, Record]:
        return {
            run.id: Record(run.id, "finished", {}, {}, steps=10 * place)
            for place, run in enumerate(runs)
        }

    monkeypatch.setattr(source_variance, "ensure_records", train)
    table = _table(tmp_path, Column("steps", "effort/steps", better="lower"), SMALL)
    assert [row.source for row in table.rows] == ["init", "order", TOGETHER]
    assert all(row.lost == 0 for row in table.rows)
    assert all(row.part and row.part.variance > 0 for row in table.rows)


def test_resampled_rows_have_a_variance_and_no_interval() -> None:
    """0.5, 0.6 and 0.7 have the variance 0.01, within float64 rounding."""
    values: source_variance.Values = [[{"test/accuracy": value} for value in (0.5, 0.6, 0.7)]]
    column = Column("accuracy", "test/accuracy")
    rows = tuple(source_variance._rows(column, {"init": values, ROWS: values}))
    draws = VarianceDraws(["init", ROWS], draws=3, bases=1)
    table = source_variance.VarianceTable("t", "a", draws, rows, shared=False)
    init, resampled = table.flat()
    assert resampled["variance"] == init["variance"] == pytest.approx(0.01)
    assert init["variance_low"] < 0.01 < init["variance_high"]
    assert [resampled[f"variance_{end}"] for end in ("low", "high")] == [None, None]
    assert "It has no interval" in " ".join(render(table, "md").split())
