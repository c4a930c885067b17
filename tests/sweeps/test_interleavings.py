"""Claims under every interleaving, one file-system operation at a time: none is taken from the
living."""

import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from research.sweeps.coordinate import claims as claims_lib
from research.sweeps.coordinate import membership as roll_lib
from research.sweeps.coordinate.membership import LeaseLost
from tests.sweeps.interleaving import Actor, SteppedOs
from tests.sweeps.world import BEAT, RUNS, TIMEOUT, World


class Trainer:
    """A worker that trains what is missing until nothing is: claim, train, ask, write, release."""

    def __init__(self, world: World, seen: bool) -> None:
        self.world = world
        self.claims = world.worker()
        self.seen = seen  # whether others can see that its process is gone
        self.asleep = False
        self.killed = False
        self.lost = 0
        self.begun: list[str] = []
        self.actor = Actor(self._work)

    def _work(self, actor: Actor) -> None:
        while missing := [run_id for run_id in RUNS if not self.world.records[run_id]]:
            try:
                taken = self.claims.take(missing, 2)
                for run_id in taken:
                    self.begun.append(run_id)
                    actor.pause()
                    self.claims.confirm([run_id])
                    # No pause between the answer and the record: what it said is checked as it was
                    # said.
                    holder = (self.world.root / "claims" / "runs" / run_id).read_text()
                    assert f'"{self.claims.worker.token}"' in holder
                    self.world.records[run_id] += 1
                    self.claims.release([run_id])
                if not taken:
                    actor.pause()
            except LeaseLost:
                self.lost += 1
                self.claims = self.world.worker()
        self.claims.leave()

    def step(self, times: int) -> None:
        for _ in range(0 if self.asleep else times):
            self.actor.step()

    def kill(self) -> None:
        self.killed = True
        if self.seen:
            self.world.gone.add(self.claims.worker.token)
        self.actor.kill()

    def beat(self) -> None:
        if not (self.asleep or self.killed or self.actor.ended):
            with contextlib.suppress(LeaseLost):  # whoever trains finds out
                self.claims.beat()


# (what, which trainer, how often)
who = st.integers(0, 2)
step = st.tuples(st.just("step"), who, st.integers(1, 20))
together = st.tuples(st.just("round"), who, st.integers(1, 8))
kill = st.tuples(st.just("kill"), who, st.just(1))
nap = st.tuples(st.just("nap"), who, st.just(60))
sight = st.lists(st.booleans(), min_size=3, max_size=3)
Command = tuple[str, int, int]


@pytest.fixture(scope="module")
def stepped() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (claims_lib, roll_lib):
            patch.setattr(module, "os", SteppedOs())
        yield


def play(world: World, commands: list[Command], seen: list[bool]) -> list[Trainer]:
    """Runs three trainers as the commands say, then those that are left and a fourth until all are
    done.

    step: one does n operations. round: all do, and time passes. nap: one sleeps for longer than it
        takes to lapse while the others go on. kill: one ends.
    """
    trainers = [Trainer(world, sight) for sight in seen]
    for what, which, n in commands:
        trainer = trainers[which]
        if what == "kill" and not trainer.killed:
            trainer.kill()
        elif what == "step":
            trainer.step(n)
        elif what == "round":
            tick(world, trainers, n)
        elif what == "nap":
            trainer.asleep = True
            for _ in range(6):
                tick(world, trainers, n)
            trainer.asleep = False
    trainers.append(Trainer(world, True))
    for _ in range(1000):
        if all(trainer.actor.ended for trainer in trainers):
            return trainers
        tick(world, trainers, 50)
    raise AssertionError("they never end")


def tick(world: World, trainers: list[Trainer], steps: int) -> None:
    """A beat's time passes, and all do some operations."""
    world.time += BEAT
    for trainer in trainers:
        trainer.beat()
    for trainer in trainers:
        trainer.step(steps)


def check(world: World) -> None:
    """Each run has one record, and the next worker that looks for the dead leaves nothing
    behind."""
    assert world.records == Counter(RUNS)
    last = world.worker()
    assert world.wait(last, 3 * TIMEOUT) == []
    last.leave()
    assert world.left() == []


@pytest.mark.usefixtures("stepped")
@settings(deadline=None, max_examples=60)
@given(st.lists(step | together | kill, min_size=3, max_size=20), sight)
def test_no_interleaving_takes_a_run_from_the_living(
    commands: list[Command], seen: list[bool]
) -> None:
    """Workers are killed anywhere: each run is written once, and trained again only if its trainer
    was killed."""
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory), timeout=2 * BEAT)
        trainers = play(world, commands, seen)
        event(f"{sum(trainer.killed for trainer in trainers)} killed")
        assert not any(trainer.lost for trainer in trainers)
        begun = Counter(
            run_id for trainer in trainers if not trainer.killed for run_id in trainer.begun
        )
        assert all(count == 1 for count in begun.values())
        check(world)


@pytest.mark.usefixtures("stepped")
@settings(deadline=None, max_examples=60)
@given(st.lists(step | together | nap, min_size=3, max_size=20), sight)
def test_no_sleeper_writes_what_others_took(commands: list[Command], seen: list[bool]) -> None:
    """Workers sleep for as long as may be and wake anywhere: each run is written once, by who holds
    it."""
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory), timeout=2 * BEAT)
        trainers = play(world, commands, seen)
        event(f"{sum(trainer.lost for trainer in trainers)} lost")
        check(world)
