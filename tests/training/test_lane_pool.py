"""Refilled places: a run that begins in the middle of others' is bit for bit the run alone, and
nothing is compiled."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import pytest

from research.sweeps.plan.run_plan import PlannedRun
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from research.training.engine.chunk import ALL_ON_DEVICE, PackSetup, StreamingPolicy
from research.training.engine.lane_pool import Candidate, LanePool, LaneStatus
from tests.support.engine import EPOCHS, STEPS_PER_EPOCH, compiled_fully, data_of, run

WIDTH = 3
WAY = ExecutionStrategy(WIDTH, STEPS_PER_EPOCH)


def entrants(runs: list[PlannedRun]) -> list[Candidate]:
    return [Candidate(one.id, one.config) for one in runs]


def raced(
    runs: list[PlannedRun],
    strategy: ExecutionStrategy = WAY,
    memory: StreamingPolicy = ALL_ON_DEVICE,
    prune: Callable[[str, LaneStatus], bool] = lambda *_: False,
) -> tuple[dict[str, loop.Outcome], int]:
    """The outcomes of runs that take the places of one another, at first one fewer than there are
    places.

    And how many epochs of lanes were computed for it.
    """
    places, waiting, found = (
        LanePool(runs[0].program, strategy, data_of(runs[0]).data, memory),
        list(runs),
        {},
    )
    free, computed = places.size - 1, 0
    while waiting or places.run_ids:
        entering, waiting = waiting[:free], waiting[free:]
        places.admit(entrants(entering))
        standings = places.advance()
        computed += places.computed
        over = [run_id for run_id, standing in standings.items() if standing.over]
        found |= places.outcomes(over)
        places.release(
            [*over, *(run_id for run_id, standing in standings.items() if prune(run_id, standing))]
        )
        free = places.size - len(places.run_ids)
    return found, computed


def alone(
    one: PlannedRun, strategy: ExecutionStrategy = WAY, memory: StreamingPolicy = ALL_ON_DEVICE
) -> loop.Outcome:
    setup = PackSetup(memory=memory)
    return loop.train(one.program, [one.config], data_of(one).data, strategy, setup)[0]


SETTINGS: list[dict[str, Any]] = [
    {"regularization": "dropout=0.4,ema=0.5", "schedule": "cosine"},
    {"regularization": "early_stopping=1", "learning_rate": 0.5},
    {"label_noise": 0.3, "optimizer": "adam", "learning_rate": 0.01},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_run_at_a_refilled_place_is_the_run_alone(settings: dict[str, Any]) -> None:
    runs = [run(**settings, seed=seed) for seed in range(7)]
    pruned = runs[1].id
    with compiled_fully(settings == SETTINGS[0]):
        found, _ = raced(runs, prune=lambda run_id, standing: run_id == pruned)
        assert set(found) == {one.id for one in runs} - {pruned}
        for one in runs[2:]:
            assert repr(found[one.id]) == repr(alone(one))


def test_places_on_two_devices_and_streamed_inputs_change_no_bit() -> None:
    runs = [run(seed=seed) for seed in range(5)]
    expected = {one.id: repr(alone(one, ExecutionStrategy(1, 2))) for one in runs}
    for strategy, memory in (
        (ExecutionStrategy(1, 2, 2), ALL_ON_DEVICE),
        (ExecutionStrategy(1, 2), StreamingPolicy(device=0)),
    ):
        found, _ = raced(runs, strategy, memory)
        assert {run_id: repr(outcome) for run_id, outcome in found.items()} == expected


def test_a_diverged_run_gives_its_place_up() -> None:
    good, lost = [run(seed=seed) for seed in range(3)], run(seed=9, learning_rate=1e15)
    found, _ = raced([lost, *good])
    assert repr(found[lost.id]) == repr(alone(lost))
    assert found[lost.id].diverged_at is not None
    assert repr(found[good[2].id]) == repr(alone(good[2]))


def test_refilling_compiles_nothing(caplog: pytest.LogCaptureFixture) -> None:
    raced([run(seed=seed) for seed in range(WIDTH)])  # the last one enters at the last place alone
    more = [run(seed=seed, learning_rate=0.01 * seed, schedule="linear") for seed in range(10, 16)]
    with jax.log_compiles(), caplog.at_level("WARNING"):
        raced(more)
    assert [
        r.getMessage() for r in caplog.records if "Finished XLA compilation" in r.getMessage()
    ] == []


def test_a_chunk_without_runs_rests() -> None:
    """Of two chunks of a lane each one is the first run's, the other the two that begin later;
    neither is ever idle."""
    _, computed = raced(
        [run(seed=seed) for seed in range(3)], ExecutionStrategy(1, STEPS_PER_EPOCH, 2)
    )
    assert computed == EPOCHS * 3


def test_progress_is_told_within_an_epoch() -> None:
    """Three runs of the same epoch: parts of three epochs, in rising order, the last below the
    whole."""
    runs = [run(seed=seed) for seed in range(3)]
    places = LanePool(
        runs[0].program, ExecutionStrategy(WIDTH, 1), data_of(runs[0]).data, ALL_ON_DEVICE
    )
    places.admit(entrants(runs))
    told: list[Fraction] = []
    places.advance(told.append)
    steps = runs[0].program.sizes.steps_per_epoch
    assert told
    assert told == sorted(told)
    assert all(0 < done < 3 and (done / 3 * steps).denominator == 1 for done in told)
