"""Status: what runs are doing, by hand-made records, claims and packs."""

import dataclasses
import os
import time
from collections import Counter
from pathlib import Path

import pytest

from research.analysis import progress as shown
from research.sweeps.coordinate import sweep_status as status_lib
from research.sweeps.coordinate import worker
from research.sweeps.coordinate.claims import TIMEOUT, working
from research.sweeps.coordinate.pack_progress import PackProgress, showing
from research.sweeps.coordinate.sweep_status import SweepMember, status, summary
from research.sweeps.records.index import RecordSummary
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store

MEMBERS = [SweepMember(name, "a" if name < "d" else "b", 10) for name in "abcdef"]
PACK = PackProgress("token", "host (pid 1)", ("c", "d"), 10, 6, 2, 1, 100.0, 104.0)


def line(state: str, error: str = "") -> RecordSummary:
    return RecordSummary(0, 0, state, error=error)


def test_every_run_is_in_one_state() -> None:
    lines = {
        "a": line("finished"),
        "b": line("diverged"),
        "e": line("failed", "no"),
        "c": line("failed"),
    }
    found = summary(MEMBERS, lines, [PACK], {"c", "d"})
    assert found.arms == {
        "a": Counter(finished=1, diverged=1, running=1),
        "b": Counter(running=1, failed=1, queued=1),
    }
    assert found.total == Counter(finished=1, diverged=1, running=2, failed=1, queued=1)
    assert found.live == (1, 2)
    errors = {run.run_id: (run.arm, run.line.error) for run in found.failures}
    assert errors["e"] == ("b", "no")
    assert not found.over
    both = summary([*MEMBERS[:2], dataclasses.replace(MEMBERS[0], arm="b")], lines, [], set())
    assert both.arms == {"a": Counter(finished=1, diverged=1), "b": Counter(finished=1)}
    assert both.total == Counter(finished=1, diverged=1)


def test_time_left_is_what_remains_by_the_rate() -> None:
    """Of c and d 4 epochs each are left, of f all 10; 8 lane-epochs took 4 s."""
    lines = {name: line("finished") for name in "abe"}
    found = summary(MEMBERS, lines, [PACK], {"c", "d"})
    assert found.rate == 2.0
    assert found.left == (4 + 4 + 10) / 2.0
    assert summary(MEMBERS, lines, [], {"c", "d"}).left is None
    assert summary(MEMBERS, {name: line("finished") for name in "abcdef"}, [], set()).left == 0.0


def test_claims_of_the_living_are_running(tmp_path: Path) -> None:
    store = Store(tmp_path)
    members = [SweepMember(f"{name}" * 16, "arm", 10) for name in "abc"]
    ids = [member.run_id for member in members]
    store.write(Record(ids[0], "finished", {}))
    with (
        working(tmp_path, lambda run_id: False) as claims,
        showing(tmp_path, claims.worker, ids[1:2], 10) as to,
    ):
        claims.take(ids[1:2], 1)
        to(1, 1)
        found = status(members, store)
        assert found.total == Counter(finished=1, running=1, queued=1)
        assert len(found.packs) == 1
        later = time.time() + 2 * TIMEOUT  # nothing has been heard of the worker since
        assert status(members, store, lambda root: later).total == Counter(finished=1, queued=2)
        assert status(members, store, lambda root: later).packs == ()
    assert status(members, store).total == Counter(finished=1, queued=2)


def test_a_clock_that_is_ahead_declares_nobody_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine that looks need not agree with the one that trains: files are compared with the
    files' own clock."""
    store, members, real = (
        Store(tmp_path),
        [SweepMember(name * 16, "arm", 10) for name in "ab"],
        time.time,
    )
    alone = dataclasses.replace(
        worker.this_process(), token="t"
    )  # on no roll, as processes that train together
    with (
        working(tmp_path, lambda run_id: False) as claims,
        showing(tmp_path, claims.worker, ["a" * 16], 10),
    ):
        claims.take(["a" * 16], 1)
        for ahead in (600.0, -600.0):
            monkeypatch.setattr(time, "time", lambda ahead=ahead: real() + ahead)
            with showing(tmp_path, alone, ["b" * 16], 10):
                found = status(members, store)
            assert found.total == Counter(running=1, queued=1)
            assert len(found.packs) == 2


def test_the_dead_train_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of this machine whose process is no more is dead at once; its claim and its pack are
    still there."""
    store, members = Store(tmp_path), [SweepMember("a" * 16, "arm", 10)]
    with (
        working(tmp_path, lambda run_id: False) as claims,
        showing(tmp_path, claims.worker, ["a" * 16], 10),
    ):
        claims.take(["a" * 16], 1)
        assert status(members, store).total == Counter(running=1)
        monkeypatch.setattr(worker, "gone", lambda who: True)
        found = status(members, store)
        assert (found.total, found.packs) == (Counter(queued=1), ())


def test_packs_without_a_roll_count_while_fresh(tmp_path: Path) -> None:
    """Processes that train each run together claim nothing."""
    now = time.time()
    with showing(tmp_path, dataclasses.replace(worker.this_process(), token="t"), ["a"], 10):
        assert len(status_lib.alive(tmp_path, now)) == 1
        assert status_lib.alive(tmp_path, now + 2 * TIMEOUT) == []
    assert os.listdir(tmp_path / "progress") == []


def test_lines_for_a_terminal() -> None:
    lines = {
        "a": line("finished"),
        "b": RecordSummary(0, 0, "failed", error="ValueError: no", log="task.log"),
    }
    text = "\n".join(shown.lines("rates", summary(MEMBERS, lines, [PACK], {"c", "d"})))
    assert "2.00 run-epochs/s, time left 14 s" in text
    assert "1 worker, 1 pack, 1 of 2 lanes alive" in text
    assert "failed: run b (a): ValueError: no (log: task.log)" in text
    header, *rows = (row.split() for row in text.splitlines()[:4])
    assert header == ["rates", "finished", "running", "queued", "failed"]
    assert rows == [
        ["a", "1", "1", "·", "1"],
        ["b", "·", "1", "2", "·"],
        ["all", "1", "2", "2", "1"],
    ]
    done = summary(MEMBERS[:1], {"a": line("finished")}, [], set())
    assert list(shown.now(done)) == ["nothing is left to train"]
    (idle,) = shown.now(summary(MEMBERS, {}, [], set()))
    assert "nothing trains it now" in idle


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "unknown"), (0, "0 s"), (99, "99 s"), (120, "2 min"), (7200, "2.0 h")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert shown.duration(seconds) == text
