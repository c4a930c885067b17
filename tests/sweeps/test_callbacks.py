"""Callbacks: called for every run that has ended an epoch; an error in one is one warning."""

import numpy as np
import pytest

from research.registry import CALLBACKS, Callback
from research.sweeps.execute.observer import Ended, call_callbacks
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from tests.support.engine import data_of, run
from tests.support.observing import PackObserving


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, dict[str, float]]]:
    calls: list[tuple[str, int, dict[str, float]]] = []

    def broken(run_id: str, epoch: int, metrics: dict[str, float]) -> None:
        metrics.clear()  # what it does to its metrics reaches nobody else
        raise SystemExit("no")

    def noted(run_id: str, epoch: int, metrics: dict[str, float]) -> None:
        calls.append((run_id, epoch, metrics))

    entries = {
        function.__name__: Callback(function.__name__, lambda f=function: f, "")
        for function in (broken, noted)
    }
    monkeypatch.setattr(CALLBACKS, "_entries", entries)
    return calls


def test_each_run_and_one_warning(called: list[tuple[str, int, dict[str, float]]]) -> None:
    warned: list[str] = []
    runs = [run(seed=0), run(seed=1)]
    for epoch in (1, 2):
        call_callbacks(
            lambda e=epoch: [Ended(own, e, {"train/loss": 0.5}) for own in runs], warned.append
        )
    assert called == [(own.id, epoch, {"train/loss": 0.5}) for epoch in (1, 2) for own in runs]
    (warning,) = warned
    assert warning.startswith("the callback broken fails after epoch 1 (")
    assert "SystemExit: no); training goes on" in warning


def test_nothing_is_worked_out_without_callbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CALLBACKS, "_entries", {})
    call_callbacks(lambda: pytest.fail("asked for"), print)


def test_the_latest_metrics_are_the_curves_ends_of_runs_that_trained() -> None:
    """A run that stopped early has none of the epochs after it."""
    runs = [
        run(epochs=3, regularization="early_stopping=1", learning_rate=rate)
        for rate in (1e-12, 0.1)
    ]
    latest: list[list[dict[str, float]]] = []
    curves: list[list[dict[str, list[float]]]] = []

    def at_epoch(progress: loop.EpochProgress) -> None:
        latest.append(progress.latest())
        curves.append(progress.curves())

    observer = PackObserving(at_epoch=at_epoch)

    arrays = data_of(runs[0]).data
    outcomes = loop.train(
        runs[0].program,
        [own.config for own in runs],
        arrays,
        ExecutionStrategy(2, 1),
        observer=observer,
    )
    for epoch, (own, of_runs) in enumerate(zip(latest, curves, strict=True), 1):
        for metrics, so_far, outcome in zip(own, of_runs, outcomes, strict=True):
            trained = len(outcome.curves["train/loss"]) >= epoch
            expected = {name: values[-1] for name, values in so_far.items()} if trained else {}
            np.testing.assert_equal(metrics, expected)
    assert [bool(metrics) for metrics in latest[-1]] == [False, True]
