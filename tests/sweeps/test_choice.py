"""Choosing on validation: the best mean wins, divergence loses."""

import math

import pytest

from research.errors import UserError
from research.sweeps import choice
from research.sweeps.experiment import Choose, Experiment
from research.sweeps.record import Record

CHOOSE = Choose("learning_rate", (0.1, 0.2, 0.3), seeds=2)


def runs(*values: float | None) -> list[Record]:
    """None: a run that diverged and has no metrics."""
    metrics = [{} if v is None else {"validation/accuracy": v} for v in values]
    return [Record("", "finished", {}, m) for m in metrics]


def test_the_best_mean_wins() -> None:
    assert choice.best(CHOOSE, [runs(0.5, 0.9), runs(0.8, 0.8), runs(0.9, 0.1)]) == 0.2
    lower = Choose("learning_rate", (0.1, 0.2, 0.3), 2, "validation/accuracy", "lower")
    assert choice.best(lower, [runs(0.5, 0.9), runs(0.8, 0.8), runs(0.9, 0.1)]) == 0.3


def test_divergence_comes_last() -> None:
    assert choice.best(CHOOSE, [runs(0.1, 0.1), runs(1.0, None), runs(math.nan, 1.0)]) == 0.1
    with pytest.raises(UserError, match="every value of learning_rate"):
        choice.best(CHOOSE, [runs(None), runs(math.nan), runs()])


def test_ties_go_to_the_first() -> None:
    assert choice.best(CHOOSE, [runs(0.5), runs(0.7), runs(0.7)]) == 0.2


def test_reported_seeds_are_fresh() -> None:
    experiment = Experiment("e", "", {"epochs": 2}, {"a": {"optimizer": "adam"}}, (), choose=CHOOSE)
    tried = choice.candidates(experiment)["a"]
    assert [[r["seed"] for r in each] for each in tried] == [[0, 1]] * 3
    assert [each[0]["learning_rate"] for each in tried] == [0.1, 0.2, 0.3]
    reported = choice.requests(experiment, 3, {"a": 0.2})["a"]
    assert [r["seed"] for r in reported] == [2, 3, 4]
    assert reported[0] == {"epochs": 2, "optimizer": "adam", "learning_rate": 0.2, "seed": 2}
