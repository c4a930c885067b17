"""From runs to records: what is trained and what is not (laws 1 and 4), whatever fails or stops
meanwhile."""

import contextlib
import dataclasses
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import pytest

from research import config as config_lib
from research.data.in_memory import InMemorySource
from research.duration import Period
from research.errors import Stopped
from research.sweeps.coordinate.claims import Claims, working
from research.sweeps.execute import local_executor, trainer
from research.sweeps.execute.ensure_records import done, ensure_records
from research.sweeps.execute.execution_context import ExecutionContext
from research.sweeps.execute.execution_options import DEFAULT, Execution
from research.sweeps.execute.observer import Observer
from research.sweeps.execute.terminal import Terminal
from research.sweeps.plan.run_plan import PlannedRun, with_seeds
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.sweeps.records.verification import changes
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from tests.support.engine import BASE, IMAGES, planned, planner
from tests.support.observing import Observing, PackObserving


class Watcher:
    """A monitor that remembers."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.trained: list[str] = []
        self.epochs = 0

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def note(self, message: str) -> None:
        self.notes.append(message)

    def on_records(self, records: Iterable[Record]) -> None:
        self.seen = {record.run_id for record in records}

    @contextlib.contextmanager
    def watch(self, runs: Sequence[PlannedRun]) -> Iterator[Observer]:
        def count(epochs: int) -> None:
            self.epochs += epochs

        yield Observing(epochs=count, record=lambda record: self.trained.append(record.run_id))


def test_a_finished_run_is_never_trained_again(tmp_path: Path) -> None:
    store, first, second = Store(tmp_path), Watcher(), Watcher()
    runs = planned(*with_seeds({}, range(2)))
    records = ensure_records(runs, store, planner(), first)
    assert set(first.trained) == set(records) == {r.id for r in runs}
    assert first.epochs == 2 * 3
    again = ensure_records(runs, store, planner(), second)
    assert second.trained == []
    assert repr(again) == repr(records)
    more = planned(*with_seeds({}, range(3)))
    ensure_records(more, store, planner(), second)
    assert second.trained == [more[2].id]


def test_training_can_be_forbidden(tmp_path: Path) -> None:
    watcher = Watcher()
    assert ensure_records(planned({}), Store(tmp_path), planner(), watcher, train=False) == {}
    assert watcher.trained == []


def test_how_the_data_was_read_is_said_before_training(tmp_path: Path) -> None:
    watcher = Watcher()
    spec = dataclasses.replace(IMAGES.spec, notes=("'y' has 2 classes", "'a' counts the rows"))
    plans = Planner(lambda config: InMemorySource(spec, IMAGES.data))
    runs = plans.runs([BASE])
    ensure_records(runs, Store(tmp_path), plans, watcher)
    ensure_records(runs, Store(tmp_path), plans, watcher)  # trains nothing
    assert watcher.notes == [
        "note: memory: 'y' has 2 classes.",
        "note: memory: 'a' counts the rows.",
    ]


def test_a_damaged_record_is_trained_again_with_the_same_bits(tmp_path: Path) -> None:
    store, watcher = Store(tmp_path), Watcher()
    runs = planned({})
    before = ensure_records(runs, store, planner(), watcher)[runs[0].id]
    store.path(runs[0].id).write_text("{")
    after = ensure_records(runs, store, planner(), watcher)[runs[0].id]
    assert watcher.trained == [runs[0].id] * 2
    assert "damaged" in watcher.warnings[0]
    assert (after.checksums, after.curves, after.metrics) == (
        before.checksums,
        before.curves,
        before.metrics,
    )


def test_a_program_that_fails_costs_the_others_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = planned({})[0], planned({"arch.hidden": (4,)})[0]
    original = loop.train

    def breaking(program: Any, *rest: Any, **more: Any) -> Any:
        if program == bad.program:
            raise RuntimeError("out of memory")
        return original(program, *rest, **more)

    monkeypatch.setattr(loop, "train", breaking)
    store, watcher = Store(tmp_path), Watcher()
    records = ensure_records([bad, good], store, planner(), watcher)
    assert records[good.id].status == "finished"
    assert records[bad.id].status == "failed"
    assert "out of memory" in records[bad.id].error
    monkeypatch.undo()
    assert set(done([bad.id], store, watcher.warn)) == {bad.id}
    assert ensure_records([bad], store, planner(), watcher)[bad.id].status == "failed"
    assert "1 run failed earlier (RuntimeError: out of memory)" in watcher.warnings[-1]
    assert (
        ensure_records([bad], store, planner(), watcher, execution=Execution(retry_failed=True))[
            bad.id
        ].status
        == "finished"
    )


def test_a_stop_keeps_what_is_finished(tmp_path: Path) -> None:
    good, late = planned({})[0], planned({"arch.hidden": (4,)})[0]
    store = Store(tmp_path)
    local_executor.execute([good], ExecutionContext(store, planner().arrays, Observing()))

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        local_executor.execute(
            [late], ExecutionContext(store, planner().arrays, Observing(epochs=stop))
        )
    assert list(store.ids()) == [good.id]


def test_a_diverged_run_is_an_outcome(tmp_path: Path) -> None:
    (lost,) = planned({"learning_rate": 1e30})
    store, watcher = Store(tmp_path), Watcher()
    record = ensure_records([lost], store, planner(), watcher)[lost.id]
    assert record.status == "diverged"
    assert record.diverged_at is not None
    ensure_records([lost], store, planner(), watcher)
    assert watcher.trained == [lost.id]


# Law 1 in the executor
# ---------------------------------------------------------------------------------


def stopping_after(epochs: int) -> Observer:
    """A report that asks to stop once so many lane-epochs are done."""
    done = [0]

    def count(epochs: int) -> None:
        done[0] += epochs

    return Observing(epochs=count, stopping=lambda: "a test" if done[0] >= epochs else "")


def science(store: Store) -> dict[str, str]:
    records, _ = store.find(store.ids())
    return {
        run_id: repr(dataclasses.replace(record, provenance={}))
        for run_id, record in records.items()
    }


def test_a_stopped_sweep_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    runs = planned(*with_seeds({"regularization": "dropout=0.3"}, range(3)))
    whole, stopped = Store(tmp_path / "whole"), Store(tmp_path / "stopped")
    local_executor.execute(runs, ExecutionContext(whole, planner().arrays, Observing()))
    with pytest.raises(Stopped, match="a test"):
        local_executor.execute(runs, ExecutionContext(stopped, planner().arrays, stopping_after(3)))
    assert list(stopped.ids()) == []
    told: list[int] = []
    local_executor.execute(
        runs, ExecutionContext(stopped, planner().arrays, Observing(epochs=told.append))
    )
    assert told[0] == 3  # what the checkpoint holds
    assert sum(told) == 9
    assert science(stopped) == science(whole)
    assert [path.name for path in (stopped.root / "checkpoints").iterdir()] == ["checkpoints.json"]


def test_a_checkpoint_serves_those_of_its_runs_that_are_wanted(tmp_path: Path) -> None:
    """Another sweep over some of the runs goes on with them; the others stay in the checkpoint."""
    runs = planned(*with_seeds({}, range(4)))
    whole, store = Store(tmp_path / "whole"), Store(tmp_path / "store")
    local_executor.execute(runs, ExecutionContext(whole, planner().arrays, Observing()))
    with pytest.raises(Stopped):
        local_executor.execute(runs, ExecutionContext(store, planner().arrays, stopping_after(4)))
    told: list[int] = []
    more = planned({"seed": 9})
    local_executor.execute(
        [runs[2], *more],
        ExecutionContext(store, planner().arrays, Observing(epochs=told.append)),
    )
    assert set(store.ids()) == {runs[2].id, more[0].id}
    assert len(list((store.root / "checkpoints").glob("*/pack.json"))) == 1
    local_executor.execute(
        [runs[0], runs[1], runs[3]], ExecutionContext(store, planner().arrays, Observing())
    )
    expected = science(whole)
    assert {
        run_id: text for run_id, text in science(store).items() if run_id in expected
    } == expected
    assert not list((store.root / "checkpoints").glob("*/pack.json"))


def test_out_of_memory_halves_the_lanes_and_goes_on_from_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = planned(*with_seeds({}, range(4)))
    original, begun = loop.train, []

    def small(
        program: Any, configs: Any, arrays: Any, strategy: Any, setup: Any, observer: Any
    ) -> Any:
        begun.append((strategy.width, setup.resume.step if setup.resume else 0))

        def full(boundary: loop.Boundary) -> None:
            observer.at_boundary(boundary)
            if boundary.step == 10 and strategy.width > 2:
                raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")

        limited = PackObserving(at_boundary=full, at_epoch=observer.at_epoch)
        return original(program, configs, arrays, strategy, setup, limited)

    monkeypatch.setattr(loop, "train", small)
    store, warnings = Store(tmp_path), []
    execution = dataclasses.replace(DEFAULT, every=Period.parse("1epochs"))
    report = Observing(warn=warnings.append)
    local_executor.execute(
        runs, ExecutionContext(store, planner().arrays, report, execution=execution)
    )
    assert begun == [(4, 0), (2, 10)]
    assert "2 lanes a chunk" in warnings[0]
    records, _ = store.find(r.id for r in runs)
    assert {(r.status, r.provenance["width"]) for r in records.values()} == {("finished", 2)}
    assert all(
        "4 lanes a chunk" in before for r in records.values() for before in r.provenance["earlier"]
    )
    of_way = [
        change
        for r in records.values()
        for change in changes(r.provenance, r.provenance)
        if not change.exact
    ]
    assert [change.what for change in of_way] == ["way of the first steps"] * 4


def test_going_on_in_another_way_is_said_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of another kind of device the numbers are equal to rounding alone: verify must know, and the
    user."""
    (own,) = planned({"seed": 3})
    store, warnings = Store(tmp_path), []
    execution = dataclasses.replace(DEFAULT, every=Period.parse("1"))
    stopping = Observing(
        stopping=lambda: "it is enough" if any(tmp_path.glob("checkpoints/*/[0-9]*")) else ""
    )
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(trainer, "device_kind", lambda: "a better one")
        with pytest.raises(Stopped):
            local_executor.execute(
                [own], ExecutionContext(store, planner().arrays, stopping, execution=execution)
            )
    local_executor.execute(
        [own],
        ExecutionContext(
            store, planner().arrays, Observing(warn=warnings.append), execution=execution
        ),
    )
    assert any("the last digits may differ from" in warning for warning in warnings)
    record = store.read(own.id)
    assert record is not None
    (before,) = record.provenance["earlier"]
    assert before.endswith("on a better one")


def test_one_stop_ends_every_pack(tmp_path: Path) -> None:
    runs = planned({}, {"arch.hidden": (4,)}, {"arch.hidden": (5,)})
    with pytest.raises(Stopped):
        local_executor.execute(
            runs,
            ExecutionContext(
                Store(tmp_path), planner().arrays, Observing(stopping=lambda: "at once")
            ),
        )
    assert not list((tmp_path / "checkpoints").glob("*/pack.json"))


def test_a_stop_does_not_wait_for_other_ways_to_be_timed(tmp_path: Path) -> None:
    runs, timed = planned({}, {"seed": 1}), []

    def timer(
        program: Any, configs: Any, arrays: Any, strategy: ExecutionStrategy, memory: Any
    ) -> float:
        timed.append(strategy)
        return 1e3  # worth timing others

    stopping = Observing(stopping=lambda: "a test" if timed else "")
    with pytest.raises(Stopped, match="a test"):
        local_executor.execute(
            runs, ExecutionContext(Store(tmp_path), planner().arrays, stopping, timer=timer)
        )
    assert len(timed) == 1
    assert not list((tmp_path / "ways").glob("*"))


def test_a_program_that_fails_while_it_is_timed_costs_the_others_nothing(tmp_path: Path) -> None:
    good, bad = planned({})[0], planned({"arch.hidden": (4,)})[0]
    others = planned({"arch.hidden": (4,), "seed": 1})

    def timer(program: Any, *_: Any) -> float:
        if program == bad.program:
            raise RuntimeError("does not compile")
        return 1.0

    store, totals = Store(tmp_path), {bad.program.id: 40, good.program.id: 40}
    local_executor.execute(
        [bad, *others, good],
        ExecutionContext(store, planner().arrays, Observing(), totals=totals, timer=timer),
    )
    records, _ = store.find(run.id for run in (good, bad, *others))
    assert [records[run.id].status for run in (good, bad, *others)] == [
        "finished",
        "failed",
        "failed",
    ]
    assert "does not compile" in records[bad.id].error


def test_a_bar_ends_at_the_whole_where_another_process_trains_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(local_executor, "LOOK", 0.1)
    store = Store(tmp_path)
    ours, theirs = planned(*with_seeds({}, range(2)))

    def train_theirs(other: Claims) -> None:
        """Waits until this process has done its part, and writes the other record then."""
        while not store.path(ours.id).exists():
            time.sleep(0.01)
        store.write(Record(theirs.id, "finished", config_lib.to_flags(theirs.config)))
        other.release([theirs.id])

    with working(tmp_path, lambda run_id: False) as other:
        assert other.take([theirs.id], 1) == [theirs.id]
        thread = threading.Thread(target=train_theirs, args=(other,))
        thread.start()
        records = ensure_records([ours, theirs], store, planner(), Terminal())
        thread.join()
    assert [record.status for record in records.values()] == ["finished"] * 2
    bar = capsys.readouterr().err.rpartition("\r")[2]
    assert "6.0/6 [" in bar
    assert "finished=1" in bar  # the other process tells of its own
