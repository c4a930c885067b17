"""Law 2: a lane is the run alone: same initial parameters, data order and random bits, steps equal to rounding."""

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np
import pytest
from engine import (
    acts_on,
    assert_close,
    assert_lane_is_alone,
    assert_same_bits,
    compiled_lightly,
    lane,
    member,
    run,
    start,
    steps,
)

from research.errors import UserError
from research.registry import ACTIVATIONS, OPTIMIZERS, REGULARIZERS, SCHEDULES, SLOTS, Regularizer
from research.training import chunk as chunk_lib
from research.training.way import Way

WIDTH = 4
MEMBERS = 4


def combinations() -> list[dict[str, Any]]:
    """Settings among which are every optimizer, activation and regularizer, and every pair of slots.

    Drawn at random but always the same; each draws first what was drawn least.
    """
    draw = random.Random(0)
    used: dict[Any, int] = dict.fromkeys(itertools.combinations(SLOTS, 2), 0)
    used |= {_key(entry): 0 for registry in (OPTIMIZERS, ACTIVATIONS, REGULARIZERS) for entry in registry}

    def rarest(entries: Any) -> Any:
        return min(entries, key=lambda entry: (used[_key(entry)], draw.random()))

    cases: list[dict[str, Any]] = []
    for _ in range(200):
        if all(used.values()):
            return cases
        waiting = [entry for entry in REGULARIZERS if not used[_key(entry)]]
        slots = {rarest(waiting or REGULARIZERS).slot}
        while len(slots) < MEMBERS:
            slots.add(draw.choice(SLOTS))
        chosen = [rarest([e for e in REGULARIZERS if e.slot == slot]) for slot in SLOTS if slot in slots]
        proximal = any(entry.site == "proximal" for entry in chosen)  # gradient descent's alone
        optimizer = OPTIMIZERS.get("sgd") if proximal else rarest(OPTIMIZERS)
        activation = rarest(ACTIVATIONS)
        settings = combined(optimizer.name, activation.name, chosen)
        try:
            run(**settings)
        except UserError:
            continue  # they exclude each other
        cases.append(settings)
        pairs = itertools.combinations([slot for slot in SLOTS if slot in slots], 2)
        acted = [activation] if "arch.activation" in settings else []
        for key in [*map(_key, [optimizer, *acted, *chosen]), *pairs]:
            used[key] += 1
    raise AssertionError(f"never drawn: {[key for key, times in used.items() if not times]}")


def combined(optimizer: str, activation: str, chosen: Sequence[Regularizer]) -> dict[str, Any]:
    """The settings of these parts together, on a network on which they act."""
    settings = {key: value for entry in chosen for key, value in acts_on(entry).items()}
    own = {} if settings.get("arch") == "gru" else {"arch.activation": activation}  # its gates have their own
    return (
        settings
        | own
        | {
            "optimizer": optimizer,
            "learning_rate": 0.01,
            "regularization": ",".join(member(entry) for entry in chosen),
        }
    )


def pooled(activation: str, *names: str) -> dict[str, Any]:
    """The settings of these regularizers in a network with max-pooling."""
    return combined("sgd", activation, [REGULARIZERS.get(name) for name in names]) | acts_on(
        REGULARIZERS.get("instance_norm")
    )


def _key(entry: Any) -> tuple[str, str]:
    return type(entry).__name__, entry.name


def named(settings: dict[str, Any]) -> str:
    return "-".join(str(settings.get(key, "gru")) for key in ("optimizer", "arch.activation", "regularization"))


@pytest.fixture
def compiled(request: pytest.FixtureRequest) -> Iterator[None]:
    """The fixed cases and every eighth other one are compiled as users have it, the others lightly."""
    settings = request.getfixturevalue("settings")
    with compiled_lightly(settings not in FIXED and COMBINATIONS.index(settings) % 8 > 0):
        yield


# Compiled as users have it, XLA works the activations out once for the pool's maximum and again, rounded otherwise,
# for its gradient; a gradient that compares the two is lost in many places, and in others at another width.
FIXED = [
    pooled("selu", "mixup", "dropconnect", "instance_norm", "l2", "gradient_noise"),
    pooled("softplus", "cutout", "instance_norm", "activation_noise", "l1_prox", "swa"),
    pooled("maxout", "cutmix", "batch_norm", "l1", "independent_decay", "early_stopping"),
]
COMBINATIONS = combinations()


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("settings", [*FIXED, *COMBINATIONS], ids=named)
def test_a_lane_is_the_run_alone(settings: dict[str, Any]) -> None:
    """Initial parameters bitwise, first steps to rounding; and bitwise whatever the neighbours and the place."""
    runs = [run(**settings, seed=seed) for seed in range(3)]
    among, alone = (jax.device_get(start(own, width).state) for own, width in ((runs, WIDTH), (runs[1:2], 1)))
    assert_same_bits(lane(among, 1), lane(alone, 0))
    count = 1 if settings.get("arch.activation") == "step" else 2  # a step makes a jump of a rounding
    together = steps(runs, WIDTH, count)
    assert_lane_is_alone(lane(together, 1), runs[1], count)
    other = run(**{**settings, "learning_rate": 0.2}, seed=9)
    elsewhere = steps([other, other, other, runs[1]], WIDTH, count)
    assert_same_bits(lane(elsewhere, 3), lane(together, 1))


@pytest.mark.parametrize("changes", [{"seed": 2}, {"learning_rate": 1.001e-3}, {"regularization": "dropout=0.3001"}])
def test_another_run_is_not_the_run_alone(changes: dict[str, Any]) -> None:
    """What stands for rounding above hides no neighbour's number, Adam beside a normalization included."""
    own = {"learning_rate": 1e-3, "optimizer": "adam", "regularization": "batch_norm,dropout=0.3", "seed": 1}
    changes = {name: f"batch_norm,{v}" if name == "regularization" else v for name, v in changes.items()}
    with compiled_lightly():
        assert_lane_is_alone(lane(steps([run(**own)], 1, 2), 0), run(**own), 2)
        with pytest.raises(AssertionError, match=r"\.params|\.batch_stats"):
            assert_lane_is_alone(lane(steps([run(**own | changes)], 1, 2), 0), run(**own), 2)


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    runs = [run(seed=seed) for seed in range(3)]
    together, alone = start(runs, WIDTH), start(runs[2:3], 1)
    program = runs[0].program
    for epoch in range(2):
        rows = np.asarray(chunk_lib.order(program, together, Way(WIDTH, 1), epoch))
        np.testing.assert_array_equal(rows[2], np.asarray(chunk_lib.order(program, alone, Way(1, 1), epoch))[0])
        assert sorted(rows[2]) == sorted(np.asarray(together.lanes.train[2]))
        assert (rows[2] != rows[1]).any()
    assert (rows != np.asarray(chunk_lib.order(program, together, Way(WIDTH, 1), 0))).any()


def test_schedules_share_a_program_and_their_lanes_are_the_runs_alone() -> None:
    runs = [run(schedule=entry.name) for entry in SCHEDULES]
    assert {r.program for r in runs} == {runs[0].program}
    together = steps(runs, len(runs), 3)
    for place, own in enumerate(runs):
        assert_close(lane(together, place), lane(steps([own], 1, 3), 0))


def test_lanes_differ_where_their_numbers_do() -> None:
    """No number is lost on the way into the program."""
    numbers: list[dict[str, Any]] = [{"learning_rate": 0.1}, {"seed": 5}, {"schedule": "linear"}]
    numbers += [{"regularization": "dropout=0.1"}, {"optimizer.momentum": 0.9}, {"scaling": "minmax"}]
    numbers += [{"label_noise": 0.5}, {"split_seed": 3}]
    base = {"regularization": "dropout=0.4"}
    runs = [run(**{**base, **one}) for one in [{}, *numbers]]
    assert len({r.program for r in runs}) == 1
    with compiled_lightly():
        seen = steps(runs, len(runs), 3)
    flat = [np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(lane(seen, i))]) for i in range(len(runs))]
    assert len({each.tobytes() for each in flat}) == len(runs)
