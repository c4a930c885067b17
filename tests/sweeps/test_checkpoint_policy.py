"""The keeper: when a pack is saved, what a stop does, and that a full disk does not end a
training."""

import dataclasses
from typing import Any

import pytest

from research.duration import Period
from research.errors import Stopped, UserError
from research.sweeps.execute.checkpoint_policy import ABREAST_SECONDS, CheckpointPolicy
from research.training.checkpoint.snapshot import Snapshot
from research.training.engine.pack_observer import Boundary
from tests.support.engine import EPOCHS, STEPS_PER_EPOCH, run


@dataclasses.dataclass
class Paper:
    """A writer that remembers; full: it cannot write; failures: so many times."""

    saved: list[tuple[int, float]] = dataclasses.field(default_factory=list)
    finished: int = 0
    full: bool = False
    failures: int = 0

    def save(self, snapshot: Snapshot) -> None:
        self.failures -= 1
        if self.full or self.failures >= 0:
            raise UserError("no space")
        self.saved.append((snapshot.step, snapshot.seconds))

    def finish(self) -> None:
        self.finished += 1


class Bench:
    """A keeper under a hand-moved clock."""

    def __init__(self, every: str, **more: Any) -> None:
        self.now, self.reason, self.waits = 0.0, "", 0
        self.warnings: list[str] = []
        self.paper = Paper()
        self.keeper = CheckpointPolicy(
            program=run().program,
            writer=self.paper,  # type: ignore[arg-type]
            every=Period.parse(every),
            stopping=lambda: self.reason,
            warn=self.warnings.append,
            clock=lambda: self.now,
            **more,
        )

    def at(self, step: int, now: float = 0.0) -> None:
        self.now = now
        self.keeper(Boundary(step, self._wait, lambda: Snapshot(step, None, {})))  # type: ignore[arg-type]

    def _wait(self) -> None:
        self.waits += 1


def saved_steps(every: str, steps: range, **more: Any) -> list[int]:
    bench = Bench(every, **more)
    for step in steps:
        bench.at(step)
    return [step for step, _ in bench.paper.saved]


def test_intervals_of_training() -> None:
    assert saved_steps("4", range(1, 10)) == [4, 8]
    assert saved_steps("4", range(3, 12, 3)) == [6, 9]  # boundaries that step over the mark
    assert saved_steps("1epochs", range(1, 12)) == [STEPS_PER_EPOCH, 2 * STEPS_PER_EPOCH]
    total = EPOCHS * STEPS_PER_EPOCH
    assert saved_steps("20%", range(1, total + 1)) == [3, 6, 9, 12, 15]
    assert saved_steps("4", range(7, 10), step=6) == [8]  # what was resumed at 6 is saved already


def test_an_interval_of_time() -> None:
    bench = Bench("1min", seconds=100.0)
    for step, now in enumerate((0.0, 59.0, 60.0, 119.0, 121.0), 1):
        bench.at(step, now)
    assert bench.paper.saved == [(3, 160.0), (5, 221.0)]


def test_the_host_waits_for_the_devices_now_and_then() -> None:
    """And says then which step is done."""
    done: list[int] = []
    bench = Bench("1h", done=done.append)
    for step in range(1, 11):
        bench.at(step, now=step * ABREAST_SECONDS / 2)
    assert bench.waits == 3
    assert done == [3, 6, 9]
    assert not bench.paper.saved


def test_a_stop_saves_and_says_why() -> None:
    bench = Bench("1h")
    bench.at(1)
    bench.reason = "SIGTERM"
    with pytest.raises(Stopped, match=r"^SIGTERM$"):
        bench.at(2)
    assert [step for step, _ in bench.paper.saved] == [2]
    assert bench.paper.finished == 1


def test_a_full_disk_ends_no_training() -> None:
    bench = Bench("1")
    bench.paper.full = True
    bench.at(1)
    bench.at(2)
    assert bench.warnings == ["no space; training goes on"] * 2
    bench.paper.full = False
    bench.at(3)
    assert [step for step, _ in bench.paper.saved] == [3]


def test_nothing_is_written_for_runs_that_others_took() -> None:
    def lost() -> None:
        raise RuntimeError("lost")

    bench = Bench("1", confirm=lost)
    with pytest.raises(RuntimeError, match="lost"):
        bench.at(1)
    assert not bench.paper.saved


def test_a_stop_tries_twice_to_save() -> None:
    """What could not be written the first time may have been the checkpoint before."""
    bench = Bench("1h")
    bench.reason, bench.paper.failures = "SIGTERM", 1
    with pytest.raises(Stopped, match=r"^SIGTERM$"):
        bench.at(1)
    assert [step for step, _ in bench.paper.saved] == [1]
    bench.paper.full = True
    with pytest.raises(Stopped, match=r"^SIGTERM, but no space$"):
        bench.at(2)
    assert not bench.warnings
