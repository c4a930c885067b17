"""Claims under stale listings, as NFS serves them for up to a minute: nobody trains what others
hold.

What NFS guarantees is left as it is: `link`, `rename` and `unlink` are whole, and a file that is
opened through its opened folder is the file that is there now.
"""

import os
import random
from pathlib import Path
from typing import Any

import pytest

from research.sweeps.coordinate.claims import Claims
from research.sweeps.coordinate.membership import LeaseLost
from tests.sweeps.world import BEAT, RUNS, TIMEOUT, World

# Seconds for which an attribute cache of NFS may serve what it has (`acdirmax`).
LAG = 60.0


class Stale:
    """Listings as each worker's machine sees them: as they were up to LAG seconds ago."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.machine = ""
        self.served = 0  # listings that were no longer true
        self._world = world
        self._kept: dict[tuple[str, str], tuple[float, list[str]]] = {}
        self._listdir = os.listdir
        monkeypatch.setattr("research.sweeps.coordinate.claims.os.listdir", self.listing)

    def listing(self, folder: Any) -> list[str]:
        now = self._listdir(folder)
        key = self.machine, str(folder)
        when, kept = self._kept.get(key, (-LAG, []))
        if self._world.time - when >= LAG:
            when, kept = self._kept[key] = self._world.time, now
        self.served += sorted(kept) != sorted(now)
        return list(kept)


def holders(workers: list[Claims], run_id: str) -> list[Claims]:
    """The workers that may write for the run."""
    return [claims for claims in workers if claims.may_write(run_id)]


@pytest.mark.parametrize("seed", range(20))
def test_nobody_trains_what_another_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Workers take, finish, die and fall silent at random; in the end every run has one record."""
    world, draw = World(tmp_path), random.Random(seed)
    stale = Stale(world, monkeypatch)
    workers = [world.worker() for _ in range(3)]

    def turn(place: int, dies: bool) -> None:
        claims = workers[place]
        stale.machine = claims.worker.token
        try:
            claims.beat()
            for run_id in claims.take(RUNS, 2):
                assert holders(workers, run_id) in ([claims], [])
                if draw.random() < 0.5 and claims.may_write(run_id):
                    world.records[run_id] += 1
                    claims.release([run_id])
            if dies:
                world.gone.add(claims.worker.token)
                workers[place] = world.worker()
        except LeaseLost:  # as the executor does: it begins again
            workers[place] = world.worker()

    for _ in range(30):
        world.time += draw.choice((1.0, BEAT, TIMEOUT / 2))
        turn(draw.randrange(len(workers)), draw.random() < 0.2)
    assert max(world.records.values(), default=0) <= 1
    for _ in range(100):
        world.time += BEAT
        for place in range(len(workers)):
            turn(place, False)
    assert [world.records[run_id] for run_id in RUNS] == [1] * len(RUNS)


def test_listings_are_stale_in_these_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    stale = Stale(world, monkeypatch)
    first, second = world.worker(), world.worker()
    stale.machine = "there"
    assert first.claimed() == set()
    second.take(RUNS, 1)
    assert first.claimed() == set()
    assert stale.served == 1
    assert first.take(RUNS[:1], 1) == []  # the link says what the listing does not
    world.time += LAG
    assert first.claimed() == {RUNS[0]}
