"""Claims: a run is one worker's at a time, the dead lapse, the living never do, nothing is left
undone or behind."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from research.errors import UserError
from research.sweeps.coordinate import claims as claims_lib
from research.sweeps.coordinate import pack_progress
from research.sweeps.coordinate import worker as worker_lib
from research.sweeps.coordinate.claims import working
from research.sweeps.coordinate.membership import LeaseLost
from research.sweeps.coordinate.worker import Worker
from tests.sweeps.world import BEAT, RUNS, TIMEOUT, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_run_is_claimed_once(world: World) -> None:
    a, b = world.worker(), world.worker()
    assert a.take(RUNS, 2) == RUNS[:2]
    assert b.take(RUNS, 2) == RUNS[2:4]
    assert a.take(RUNS, 5) == [*RUNS[:2], RUNS[4]]  # what it has counts
    assert b.take(RUNS, 5) == RUNS[2:4]
    assert [a.may_write(run_id) for run_id in RUNS] == [True, True, False, False, True]
    assert [b.may_write(run_id) for run_id in RUNS] == [False, False, True, True, False]
    assert a.claimed() == b.claimed() == set(RUNS)
    assert a.others(RUNS) == dict.fromkeys(RUNS[2:4], "host (pid 2)")
    a.confirm(RUNS[:2])
    with pytest.raises(LeaseLost, match=r"host \(pid 1\)"):
        a.confirm(RUNS[:3])


def test_a_released_run_is_free_and_others_cannot_release_it(world: World) -> None:
    a, b = world.worker(), world.worker()
    a.take(RUNS, 3)
    b.release(RUNS)
    assert all(a.may_write(run_id) for run_id in RUNS[:3])
    a.release(RUNS[:1])
    assert not a.may_write(RUNS[0])
    assert a.claimed() == set(RUNS[1:3])
    assert b.take(RUNS, 1) == RUNS[:1]
    a.leave()
    assert b.take(RUNS, 5) == RUNS
    b.leave()
    assert world.left() == []


def test_a_run_with_a_record_is_not_claimed(world: World) -> None:
    a = world.worker()
    world.records[RUNS[0]] = 1
    assert a.take(RUNS, 2) == RUNS[1:3]
    world.records[RUNS[1]] = 1
    assert a.take(RUNS, 2) == RUNS[2:4]
    assert world.left() == [*RUNS[2:4], "t1"]


def test_silence_lapses_after_lapse_seconds_and_not_before(world: World) -> None:
    dead, observer = world.worker(), world.worker()
    dead.take(RUNS, 3)
    observer.take(RUNS, 5)  # the first look
    assert world.wait(observer, TIMEOUT - BEAT) == RUNS[3:]
    assert world.wait(observer, BEAT) == RUNS
    assert world.left() == [*RUNS, "t2"]


def test_who_beats_does_not_lapse(world: World) -> None:
    alive, observer = world.worker(), world.worker()
    alive.take(RUNS, 3)
    assert world.wait(observer, 10 * TIMEOUT, alive) == RUNS[3:]
    alive.confirm(RUNS[:3])


def test_an_observer_that_slept_looks_once_more(world: World) -> None:
    """It wakes before the others after all slept, or the directory's server hung: nobody is dead
    for that."""
    alive, observer = world.worker(), world.worker()
    alive.take(RUNS, 3)
    observer.take(RUNS, 5)
    world.time += 100 * TIMEOUT
    assert observer.take(RUNS, 5) == RUNS[3:]
    alive.beat()
    assert world.wait(observer, TIMEOUT, alive) == RUNS[3:]


def test_a_process_that_is_gone_lapses_at_once(world: World) -> None:
    dead, observer = world.worker(), world.worker()
    dead.take(RUNS, 3)
    world.gone.add("t1")
    assert observer.take(RUNS, 5) == RUNS


def test_a_sleeper_finds_that_it_lost(world: World) -> None:
    sleeper, other = world.worker(), world.worker()
    sleeper.take(RUNS, 3)
    assert world.wait(other, 2 * TIMEOUT) == RUNS
    assert not any(sleeper.may_write(run_id) for run_id in RUNS)
    for act in (sleeper.beat, lambda: sleeper.take(RUNS, 5), lambda: sleeper.confirm(RUNS[:1])):
        with pytest.raises(LeaseLost):
            act()
    sleeper.release(RUNS)
    sleeper.leave()
    other.confirm(RUNS)
    assert world.left() == [*RUNS, "t2"]  # nothing claimed in the attempt


def test_the_heir_of_an_heir(world: World) -> None:
    """A worker that dies while it removes a dead one's claims leaves that to the next."""
    dead, heir, last, late = (world.worker() for _ in range(4))
    dead.take(RUNS, 3)
    world.gone.add("t1")
    assert heir._membership.mark_dead() == {"t1"}
    assert world.left() == [*RUNS[:3], "t1.t2", "t2", "t3", "t4"]
    assert last.take(RUNS, 5) == RUNS[3:]  # the heir is alive, and it is for it to do
    world.gone.add("t2")
    world.time += BEAT
    assert last.take(RUNS, 5) == RUNS
    assert not late._membership._is_successor(
        "t1", "t2"
    )  # it looked at the same time, and was slower
    assert world.left() == [*RUNS, "t3", "t4"]


def test_claims_of_a_worker_without_a_file_lapse(world: World) -> None:
    dead, observer = world.worker(), world.worker()
    dead.take(RUNS, 3)
    (world.root / "claims" / "workers" / "t1").unlink()
    observer.take(RUNS, 5)
    assert world.wait(observer, TIMEOUT - BEAT) == RUNS[3:]
    assert world.wait(observer, BEAT) == RUNS


def test_a_copied_directory_lapses_too(world: World, tmp_path: Path) -> None:
    """A copy has no hard links, so it is what the claims say that counts."""
    world.worker().take(RUNS, 3)
    copy = World(tmp_path / "copy")
    copy.count = 7
    shutil.copytree(tmp_path / "claims", copy.root / "claims")
    observer = copy.worker()
    observer.take(RUNS, 5)
    assert copy.wait(observer, TIMEOUT) == RUNS
    assert copy.left() == [*RUNS, "t8"]


def test_the_answer_to_a_link_may_be_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS: the link was made, its repetition finds it there."""
    a = world.worker()
    link = os.link

    def twice(source: str, target: str) -> None:
        link(source, target)
        link(source, target)

    monkeypatch.setattr("os.link", twice)
    assert a.take(RUNS, 2) == RUNS[:2]
    monkeypatch.undo()
    a.leave()
    assert world.left() == []


def test_as_many_as_a_file_may_have_links(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    a = world.worker()
    link = os.link

    def scarce(source: str, target: str) -> None:
        if os.stat(source).st_nlink > 3:
            raise OSError(errno.EMLINK, "Too many links")
        link(source, target)

    monkeypatch.setattr("os.link", scarce)
    assert a.take(RUNS, 5) == RUNS[:3]
    a.release(RUNS[:1])
    assert a.take(RUNS[1:], 5) == RUNS[1:4]


@pytest.mark.parametrize("what", ["link", "pwrite", "unlink"])
def test_a_disk_that_fails_is_one_line(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    a = world.worker()
    a.take(RUNS[:1], 1)

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(f"os.{what}", fail)
    act = {
        "link": lambda: a.take(RUNS[1:], 1),
        "pwrite": a.beat,
        "unlink": lambda: a.release(RUNS),
    }[what]
    with pytest.raises(UserError, match="No space left on device") as caught:
        act()
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert not a.may_write(RUNS[1])


def test_a_place_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot claim runs in"):
        World(tmp_path / "file").worker()
    monkeypatch.setattr(
        "os.fsync", lambda file: (_ for _ in ()).throw(OSError(errno.EIO, "Input/output error"))
    )
    world = World(tmp_path)
    with pytest.raises(UserError, match="Input/output error"):
        world.worker()
    assert world.left() == []


def test_what_is_no_claim_is_named(world: World) -> None:
    a = world.worker()
    (tmp := world.root / "claims" / "runs" / RUNS[0]).write_text("[]\n")
    with pytest.raises(UserError, match=f"{tmp} is not a claim; delete it"):
        a.take(RUNS, 5)


def test_the_context_beats_and_leaves(tmp_path: Path) -> None:
    with working(tmp_path, lambda run_id: False, beat_every=0.01) as claims:
        file = tmp_path / "claims" / "workers" / claims.worker.token
        before = file.read_text()
        size = len(before)
        for _ in range(1000):
            if file.read_text() != before:
                break
            claims_lib.time.sleep(0.01)
        assert file.read_text() != before
        assert len(file.read_text()) == size
        assert claims.take(RUNS, 5) == RUNS
        assert (tmp_path / "claims" / "runs" / RUNS[0]).samefile(file)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_gone_knows_the_living_the_dead_and_zombies() -> None:
    me = worker_lib.this_process()
    assert not worker_lib.gone(me)
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        state, start = worker_lib._state_and_start(child.pid)
        assert state in "RSD"
        process = Worker("token", me.host, child.pid, me.place, start)
        assert not worker_lib.gone(process)
        assert worker_lib.gone(Worker("token", me.host, child.pid, me.place, start + "0")), (
            "the pid is another's now"
        )
        assert not worker_lib.gone(Worker("token", me.host, child.pid, "another boot", start + "0"))
        assert not worker_lib.gone(Worker("token", me.host, child.pid, "", ""))
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert worker_lib._state_and_start(child.pid)[0] == "Z"
        assert worker_lib.gone(process)
    assert worker_lib.gone(process)


def test_who_only_passes_over_what_is_held_inherits_too(world: World) -> None:
    """By a look each beat, with no try to claim: a dead worker's runs, and those of one whose file
    is gone."""
    dead, deleted, b = world.worker(), world.worker(), world.worker()
    dead.take(RUNS[:2], 2)
    deleted.take(RUNS[2:4], 2)
    (world.root / "claims" / "workers" / deleted.worker.token).unlink()
    for _ in range(2 * round((TIMEOUT + 2 * BEAT) / BEAT)):
        world.time += BEAT
        b.beat()
        b.take_over()
    assert b.claimed() == set()
    assert b.take(RUNS, 5) == RUNS


def test_what_a_dead_worker_shows_goes_with_it(world: World) -> None:
    dead, b = world.worker(), world.worker()
    with pack_progress.showing(world.root, dead.worker, RUNS, 10):
        assert len(pack_progress.read(world.root)) == 1
        world.gone.add(dead.worker.token)
        b.take_over()
        assert pack_progress.read(world.root) == []


def test_who_has_been_seen_to_work_is_alive(world: World) -> None:
    a, b = world.worker(), world.worker()
    assert not b.all_live()
    for beats, alive in ((False, False), (True, True), (False, True)):
        world.time += BEAT
        if beats:
            a.beat()
        b.take_over()
        assert b.all_live() == alive
    a.leave()
    c = world.worker()
    assert not b.all_live()
    c.leave()
    assert b.all_live()


def test_a_process_of_this_machine_is_alive_at_once(tmp_path: Path) -> None:
    with (
        working(tmp_path, lambda run_id: False) as here,
        working(tmp_path, lambda run_id: False) as other,
    ):
        assert here.all_live()
        assert other.all_live()
