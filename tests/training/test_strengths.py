"""Nothing is silently skipped: each strength changes the run, and its neutral value is the run
without it."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import pytest

from research.config import Component, RunConfig
from research.registry import REGULARIZERS, Regularizer
from research.sweeps.plan.run_plan import PlannedRun
from research.training.devices.chunk_functions import RowBlock
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import chunk_batches, loop
from research.training.step.step import train_step
from tests.support.engine import acts_on, assert_close, data_of, lane, member, run

ACTING = [entry for entry in REGULARIZERS if entry.slot != "stopping"]
# Stochastic weight averaging starts in the middle of the 15 steps.
COUNT = {"swa": 10}


def strengths(entry: Regularizer) -> dict[str, Any]:
    """The numeric options at the tiny setting, but those that are 0 there: grey images have no
    saturation."""
    values = {o.name: entry.test_options.get(o.name, o.default) for o in entry.options if o.numeric}
    values = {name: value for name, value in values.items() if value}
    return {
        name: value for name, value in values.items() if name in (entry.neutral or {})
    } or values


def at(of: PlannedRun, entry: Regularizer, values: dict[str, Any]) -> RunConfig:
    """The run's config with other strengths, infinite ones too, which no flag takes."""
    (part,) = of.config.regularization
    return dataclasses.replace(
        of.config,
        regularization=(Component(entry.name, (*{**dict(part.options), **values}.items(),)),),
    )


def evaluated(of: PlannedRun, configs: Sequence[RunConfig], count: int) -> Any:
    """What evaluation uses after `count` steps, a lane a config."""
    program, strategy = of.program, ExecutionStrategy(len(configs), 1)
    (chunk,) = chunk_lib.start(program, configs, data_of(of).data, strategy)
    step = jax.jit(jax.vmap(functools.partial(train_step, program)))
    state, per_epoch = chunk.state, program.sizes.steps_per_epoch
    for i in range(count):
        rows = chunk_batches.order(program, chunk, strategy, i // per_epoch)
        first = i % per_epoch
        source = chunk.batch_source
        batch = chunk.functions.gather(RowBlock(source.x, source.y, rows, first), first, steps=1)
        state = step(
            state,
            chunk.lanes,
            {**{k: v[:, 0] for k, v in batch.items()}, "factor": chunk.lr_factors[i]},
        )
    return jax.device_get(state.evaluated)


@functools.cache
def without(count: int, settings: tuple[tuple[str, Any], ...]) -> Any:
    plain = run(**dict(settings))
    return evaluated(plain, [plain.config] * 2, count)


def plainly(entry: Regularizer) -> Any:
    return without(COUNT.get(entry.name, 3), tuple(acts_on(entry).items()))


def equal(a: Any, b: Any) -> bool:
    leaves, others = jax.tree.leaves(a), jax.tree.leaves(b)
    same_shapes = [leaf.shape for leaf in leaves] == [leaf.shape for leaf in others]
    return same_shapes and all(np.array_equal(x, y) for x, y in zip(leaves, others, strict=True))


@pytest.mark.parametrize("entry", ACTING, ids=lambda entry: entry.name)
def test_a_strength_acts(entry: Regularizer) -> None:
    """A lane at the strength, one at half of each, one at the neutral value; all with the same
    seed."""
    of = run(regularization=member(entry), **acts_on(entry))
    values = strengths(entry)
    settings = [values, *({**values, name: value / 2} for name, value in values.items())]
    settings += [dict(entry.neutral)] if entry.neutral else []
    lanes = evaluated(of, [at(of, entry, one) for one in settings], COUNT.get(entry.name, 3))
    plain = lane(plainly(entry), 0)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(lanes))
    assert not equal(lane(lanes, 0), plain)
    for place in range(1, len(values) + 1):
        assert not equal(lane(lanes, place), lane(lanes, 0)), settings[place]
    if entry.neutral:
        assert_close(lane(lanes, len(settings) - 1), plain, 1e-6)


def test_early_stopping_stops_and_restores_the_best() -> None:
    """At a rate that only makes things worse the first epochs are the best."""
    base = {"learning_rate": 3.0, "epochs": 8}
    stopping = run(**base, regularization="early_stopping=2")
    never = at(stopping, REGULARIZERS.get("early_stopping"), {"patience": float("inf")})
    plain = run(**base)
    data = data_of(plain).data
    stopped, on = loop.train(
        stopping.program, [stopping.config, never], data, ExecutionStrategy(2, 5)
    )
    (free,) = loop.train(plain.program, [plain.config], data, ExecutionStrategy(2, 5))
    losses = free.curves["validation/loss"]
    assert len(stopped.curves["validation/loss"]) < 8
    assert stopped.steps == 5 * len(stopped.checksums)
    assert on.checksums == free.checksums
    assert on.metrics == free.metrics
    assert stopped.curves["validation/loss"] == losses[: len(stopped.checksums)]
    assert stopped.metrics["validation/nll"] == pytest.approx(
        min(stopped.curves["validation/loss"]), rel=1e-5
    )
