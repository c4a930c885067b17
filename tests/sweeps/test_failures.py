"""Strikes: a run that fails is tried once more, after all others; the second failure is its
record."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import pytest

from research.errors import Stopped
from research.sweeps.coordinate.claims import Claims
from research.sweeps.coordinate.failures import Failures
from research.sweeps.coordinate.worker import Worker
from research.sweeps.execute import local_executor
from research.sweeps.execute.ensure_records import ensure_records
from research.sweeps.execute.execution_context import ExecutionContext
from research.sweeps.execute.execution_options import DEFAULT
from research.sweeps.plan.run_plan import with_seeds
from research.sweeps.records.store import Store
from research.training.engine import loop
from tests.support.engine import planner
from tests.support.observing import Observing
from tests.sweeps.test_execution import Watcher, planned


def test_strikes_are_counted_and_cleared(tmp_path: Path) -> None:
    failures = Failures(tmp_path)
    assert failures.runs() == set()
    failures.add(["a", "b"], "first")
    failures.add(["a"], "second")
    assert failures.of("a") == ["first", "second"]
    assert failures.of("b") == ["first"]
    assert failures.runs() == {"a", "b"}
    failures.clear("a")
    assert (failures.of("a"), failures.runs()) == ([], {"b"})


def begun(monkeypatch: pytest.MonkeyPatch, bad: Any, times: int) -> list[bool]:
    """Makes a program fail so often; tells of each training whether it was that program's."""
    trainings: list[bool] = []
    original = loop.train

    def train(program: Any, *rest: Any, **more: Any) -> Any:
        trainings.append(program == bad.program)
        if program == bad.program and sum(trainings) <= times:
            raise RuntimeError("it broke")
        return original(program, *rest, **more)

    monkeypatch.setattr(loop, "train", train)
    return trainings


def test_one_failure_is_forgiven_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = planned({"arch.hidden": (4,)})[0], planned(*with_seeds({}, range(3)))
    trainings, store = begun(monkeypatch, bad, times=1), Store(tmp_path)
    told: list[int] = []
    local_executor.execute(
        [bad, *good], ExecutionContext(store, planner().arrays, Observing(epochs=told.append))
    )
    assert trainings[-1]
    assert sum(trainings) == 2
    records, _ = store.find(run.id for run in (bad, *good))
    assert {record.status for record in records.values()} == {"finished"}
    assert sum(told) == 4 * 3
    assert Failures(tmp_path).runs() == set()


def test_the_second_failure_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bad,) = planned({"arch.hidden": (4,)})
    trainings, store = begun(monkeypatch, bad, times=9), Store(tmp_path)
    told: list[int] = []
    local_executor.execute(
        [bad], ExecutionContext(store, planner().arrays, Observing(epochs=told.append))
    )
    record = store.read(bad.id)
    assert record is not None
    assert (record.status, record.cause) == ("failed", "RuntimeError: it broke")
    assert trainings == [True, True]
    assert sum(told) == 3
    assert Failures(tmp_path).runs() == set()


def test_a_failure_is_remembered_by_who_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One try here, one by the next process: what dies may take its process with it."""
    (bad,) = planned({"arch.hidden": (4,)})
    Failures(tmp_path).add([bad.id], "the process died; see its log")
    trainings, store = begun(monkeypatch, bad, times=9), Store(tmp_path)
    local_executor.execute([bad], ExecutionContext(store, planner().arrays, Observing()))
    record = store.read(bad.id)
    assert record is not None
    assert record.status == "failed"
    assert trainings == [True]


def test_two_deaths_of_the_process_are_final_without_another_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bad,) = planned({"arch.hidden": (4,)})
    for log in ("first", "second"):
        Failures(tmp_path).add([bad.id], f"Process died of signal SIGSEGV, see {log}")
    trainings, store = begun(monkeypatch, bad, times=0), Store(tmp_path)
    local_executor.execute([bad], ExecutionContext(store, planner().arrays, Observing()))
    record = store.read(bad.id)
    assert record is not None
    assert (record.status, record.error) == ("failed", "Process died of signal SIGSEGV, see second")
    assert trainings == []


def test_without_waiting_it_is_over_when_others_hold_the_rest(tmp_path: Path) -> None:
    mine, theirs = planned(*with_seeds({}, range(2)))
    store = Store(tmp_path)
    from research.sweeps.coordinate.claims import working

    with working(tmp_path, lambda run_id: False) as others:
        assert others.take([theirs.id], 1) == [theirs.id]
        local_executor.execute(
            [mine, theirs], ExecutionContext(store, planner().arrays, Observing()), wait=False
        )
        assert list(store.ids()) == [mine.id]


def test_what_is_no_longer_wanted_is_not_begun(tmp_path: Path) -> None:
    kept, dropped = planned({})[0], planned({"arch.hidden": (4,)})[0]
    store = Store(tmp_path)
    local_executor.execute(
        [kept, dropped],
        ExecutionContext(
            store,
            planner().arrays,
            Observing(),
            still_wanted=lambda run_id: run_id != dropped.id,
        ),
        wait=False,
    )
    assert list(store.ids()) == [kept.id]


def test_what_is_no_longer_wanted_is_not_waited_for(tmp_path: Path) -> None:
    """Though another machine's worker is there, of whom nobody knows yet whether it lives."""
    (dropped,), until = planned({}), time.monotonic() + 30
    other = Claims(
        tmp_path,
        Worker("0" * 32, "elsewhere", 1),
        time.monotonic,
        lambda worker: False,
        lambda run_id: False,
    )
    other.register()
    hanging = Observing(stopping=lambda: "it hangs" if time.monotonic() > until else "")
    local_executor.execute(
        [dropped],
        ExecutionContext(
            Store(tmp_path), planner().arrays, hanging, still_wanted=lambda run_id: False
        ),
    )
    assert list(Store(tmp_path).ids()) == []


def test_what_is_under_way_is_told(tmp_path: Path) -> None:
    (own,) = planned({})
    held: list[frozenset[str]] = []
    with pytest.raises(Stopped):
        local_executor.execute(
            [own],
            ExecutionContext(
                Store(tmp_path),
                planner().arrays,
                Observing(
                    holds=held.append,
                    stopping=lambda: "enough" if held[-1:] == [{own.id}] and len(held) > 2 else "",
                ),
            ),
        )
    assert held == [
        {own.id},
        set(),
        {own.id},
        set(),
    ]  # while its way is chosen, and while it is trained


@pytest.mark.parametrize("kept", ["parameters", "predictions"])
def test_a_record_that_is_there_outlives_a_training_for_what_it_keeps(
    kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bad,), store, watcher = planned({"arch.hidden": (4,)}), Store(tmp_path), Watcher()
    ensure_records([bad], store, planner(), watcher)
    before = store.read(bad.id)
    trainings = begun(monkeypatch, bad, times=9)
    keeping = dataclasses.replace(
        DEFAULT, keep_params=kept == "parameters", keep_predictions=kept == "predictions"
    )
    found = ensure_records([bad], store, planner(), watcher, execution=keeping)
    assert trainings == [True, True]
    assert found[bad.id] == store.read(bad.id) == before
    assert f"run {bad.id} has a record but no {kept}" in watcher.warnings[-1]
    assert "it broke" in watcher.warnings[-1]
    assert Failures(tmp_path).runs() == set()
