"""The race: pruned places are filled again, records are those of runs alone, and finished runs stay
finished."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import pytest
from optuna.trial import TrialState

from research.errors import Stopped, UserError
from research.sweeps.declare import sweep_axes as axes_lib
from research.sweeps.execute.execution_context import ExecutionContext
from research.sweeps.execute.execution_options import DEFAULT
from research.sweeps.execute.observer import Observer
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.records.provenance import recorded_strategy
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.sweeps.tuning import space, tuner
from research.sweeps.tuning.journal import journal
from research.sweeps.tuning.tuner import Budget, SearchContext, Tuned
from research.training.engine import dispatch_size, loop
from research.training.engine.lane_pool import LanePool
from tests.support.engine import BASE, STEPS_PER_EPOCH, data_of, planner
from tests.support.observing import Observing

AXES = ["learning_rate=log(1e-4,10)", "regularization.dropout=uniform(0,0.8)"]
SETTINGS = {**{k: v for k, v in BASE.items() if k != "learning_rate"}, "epochs": 4}
BUDGET = Budget("tpe", trials=14, parallel=5, pruner="asha")


class Watcher:
    """A monitor that remembers, and stops training once that many records are written."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.trained: list[str] = []
        self.epochs = self.total = 0
        self._stop_after = stop_after

    def warn(self, message: str) -> None:
        raise AssertionError(message)

    def note(self, message: str) -> None:
        raise AssertionError(message)

    def on_records(self, records: Iterable[Record]) -> None:
        pass

    @contextlib.contextmanager
    def watch(self, runs: Sequence[PlannedRun]) -> Iterator[Observer]:
        self.total += sum(one.config.epochs for one in runs)

        def count(epochs: int) -> None:
            self.epochs += epochs

        def stopping() -> str:
            return (
                "a test"
                if self._stop_after is not None and len(self.trained) >= self._stop_after
                else ""
            )

        yield Observing(
            epochs=count,
            record=lambda record: self.trained.append(record.run_id),
            warn=self.warn,
            stopping=stopping,
        )


def raced(
    folder: Path,
    watcher: Watcher,
    budget: Budget = BUDGET,
    axes: Sequence[str] = AXES,
    **settings: Any,
) -> Tuned:
    store = Store(folder)
    shop = SearchContext(store, planner(), watcher, DEFAULT)
    with journal(store, "race") as storage:
        return tuner.tune(
            "race", {**SETTINGS, **settings}, axes_lib.sampled(axes), budget, shop, storage
        )


def came(tuned: Tuned) -> list[tuple[Any, ...]]:
    """What the trials came to."""
    return [(t.params, t.state, t.value, t.intermediate_values) for t in tuned.study.trials]


@pytest.mark.parametrize("pruner", ["asha", "median", "hyperband"])
def test_a_race_repeats_and_its_records_are_those_of_runs_alone(
    tmp_path: Path, pruner: str
) -> None:
    budget = Budget("tpe", trials=14, parallel=5, pruner=pruner)
    watcher = Watcher()
    tuned = raced(tmp_path / "first", watcher, budget)
    states = [trial.state for trial in tuned.study.trials]
    assert states.count(TrialState.PRUNED) + states.count(TrialState.COMPLETE) == 14
    assert 0 < states.count(TrialState.PRUNED) < 14
    assert watcher.epochs == watcher.total == 4 * 14
    store = Store(tmp_path / "first")
    finished = [trial for trial in tuned.study.trials if trial.state == TrialState.COMPLETE]
    assert (
        sorted(store.ids())
        == sorted(t.user_attrs["run"] for t in finished)
        == sorted(watcher.trained)
    )
    for trial in finished:
        record = store.read(trial.user_attrs["run"])
        assert record is not None
        (one,) = planner().runs([{**SETTINGS, **space.suggested(trial, tuned.axes)}])
        assert one.id == record.run_id
        strategy = recorded_strategy(record.provenance)
        assert strategy is not None
        assert strategy.width == 5
        (outcome,) = loop.train(one.program, [one.config], data_of(one).data, strategy)
        assert (record.checksums, record.metrics) == (outcome.checksums, outcome.metrics)
        assert record.curves == outcome.curves
        for epoch, value in trial.intermediate_values.items():
            assert value == record.curves["validation/accuracy"][epoch - 1]
    if pruner == "asha":
        assert came(raced(tmp_path / "again", Watcher(), budget)) == came(tuned)


def test_lanes_stay_live_while_trials_wait(tmp_path: Path) -> None:
    """Five trials are under way until the last is asked for, whoever is pruned."""
    tuned = raced(tmp_path, Watcher())
    assert tuned.share is not None
    assert 0.7 < tuned.share <= 1


def test_a_stopped_race_keeps_what_is_finished(tmp_path: Path) -> None:
    first, second = Watcher(stop_after=2), Watcher()
    with pytest.raises(Stopped, match="a test"):
        raced(tmp_path, first)
    kept = {run_id: Store(tmp_path).path(run_id).stat().st_mtime_ns for run_id in first.trained}
    assert len(kept) >= 2
    tuned = raced(tmp_path, second)
    assert all(trial.state.is_finished() for trial in tuned.study.trials)
    assert len(tuned.study.trials) == BUDGET.trials
    assert not set(kept) & set(second.trained)
    assert {run_id: Store(tmp_path).path(run_id).stat().st_mtime_ns for run_id in kept} == kept


def test_a_race_stops_in_the_middle_of_an_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch_size, "PIECE_SECONDS", 0.0)  # each update is a piece
    asked, original = [0], ExecutionContext.stopping

    def stopping(job: ExecutionContext) -> str:
        asked[0] += 1
        return "a test" if asked[0] == STEPS_PER_EPOCH - 1 else original(job)

    with monkeypatch.context() as patched:
        patched.setattr(ExecutionContext, "stopping", stopping)
        first = Watcher()
        with pytest.raises(Stopped, match="a test"):
            raced(tmp_path, first)
    assert first.epochs == 0  # it is asked after each update, and was asked before the first
    tuned = raced(tmp_path, Watcher())
    assert len(tuned.study.trials) == BUDGET.trials
    assert all(trial.state.is_finished() for trial in tuned.study.trials)


def test_runs_that_have_their_record_race_without_training(tmp_path: Path) -> None:
    """Of trials that come to the same run one is trained; a tuning of another name trains
    nothing."""
    budget = Budget("random", trials=8, parallel=4, pruner="asha")
    axes, watcher = ["learning_rate=0.05|0.1"], Watcher()
    tuned = raced(tmp_path, watcher, budget, axes)
    assert len(watcher.trained) == len(set(watcher.trained)) <= 2
    assert len(tuned.study.trials) == 8
    assert len({tuple(trial.params.items()) for trial in tuned.study.trials}) == 2


def test_programs_take_turns(tmp_path: Path) -> None:
    axes = [
        "optimizer=sgd|adam",
        "learning_rate=log(1e-3,1)",
        "optimizer.momentum=uniform(0,0.9) if optimizer=sgd",
    ]
    tuned = raced(tmp_path, Watcher(), Budget("random", trials=10, parallel=6, pruner="asha"), axes)
    assert all(
        trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in tuned.study.trials
    )
    assert {trial.params["optimizer"] for trial in tuned.study.trials} == {"sgd", "adam"}


def test_a_program_that_fails_costs_the_others_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = LanePool.advance

    def failing(places: LanePool, **more: Any) -> Any:
        if places.program.config.optimizer.name == "adam":
            raise RuntimeError("does not fit")
        return original(places, **more)

    monkeypatch.setattr(LanePool, "advance", failing)
    budget, watcher = Budget("random", trials=8, parallel=4, pruner="median"), Watcher()
    tuned = raced(tmp_path, watcher, budget, ["optimizer=sgd|adam", "learning_rate=log(1e-3,1)"])
    for trial in tuned.study.trials:
        assert (trial.state == TrialState.FAIL) == (trial.params["optimizer"] == "adam")
        assert ("does not fit" in trial.user_attrs.get("note", "")) == (
            trial.state == TrialState.FAIL
        )
    assert watcher.epochs == watcher.total


def test_out_of_memory_trials_begin_again_in_narrower_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, widths = LanePool.advance, set[int]()

    def full(places: LanePool, **more: Any) -> Any:
        widths.add(places.strategy.width)
        if places.strategy.width > 3:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return original(places, **more)

    monkeypatch.setattr(LanePool, "advance", full)
    watcher, warnings = Watcher(), list[str]()
    monkeypatch.setattr(watcher, "warn", warnings.append)
    tuned = raced(tmp_path, watcher)
    assert widths == {5, 3}
    assert warnings == ["out of memory: 5 trials begin again with 3 lanes a chunk"]
    assert all(
        trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in tuned.study.trials
    )
    assert watcher.epochs == watcher.total


@pytest.mark.parametrize(
    ("settings", "axes", "says"),
    [
        ({"epochs": 1}, AXES, "before their last epoch, and these have 1"),
        ({"epochs": 2}, ["seed=1|2"], "a seed cannot be tuned"),
    ],
)
def test_what_cannot_race(
    tmp_path: Path, settings: dict[str, Any], axes: list[str], says: str
) -> None:
    with pytest.raises(UserError, match=says):
        raced(tmp_path, Watcher(), axes=axes, **settings)
