"""Small data in memory, and runs of a few steps on it: what the tests of the engine share."""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

import research.catalogue  # noqa: F401
from research import registry
from research.data.in_memory import InMemorySource, images, table
from research.data.source import open_source
from research.options import format_value
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.testing import few_steps
from research.testing.few_steps import beyond_rounding, unequal
from research.testing.few_steps import lane as lane
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import loop
from research.training.setup.program import Program
from research.training.step.state import Lane, LaneState
from research.training.step.step import train_step

EPOCHS, STEPS_PER_EPOCH, BATCH = 3, 5, 8


IMAGES, TABLE = images(), table()
BASE = {
    "split": "4:1:1",
    "split_seed": 0,
    "batch_size": BATCH,
    "epochs": EPOCHS,
    "arch.hidden": (8, 8),
    "learning_rate": 0.05,
}


@functools.cache
def planner(regression: bool = False) -> Planner:
    """A planner whose every data set is the images, or the table."""
    return Planner(lambda config: TABLE if regression else IMAGES)


def run(regression: bool = False, **settings: Any) -> PlannedRun:
    """A run on the small data. `__` in a name stands for a dot."""
    given = {name.replace("__", "."): value for name, value in settings.items()}
    base = {
        k: v for k, v in BASE.items() if k != "arch.hidden" or given.get("arch", "mlp") == "mlp"
    }
    return planner(regression).runs([{**base, **given}])[0]


def planned(*settings: dict[str, Any]) -> list[PlannedRun]:
    """A run for each of these settings, on the images."""
    return planner().runs([{**BASE, **one} for one in settings])


def weighted(source: InMemorySource) -> InMemorySource:
    """The source with rows that weigh 0, 0.5, ... 3 in the training loss."""
    weights = np.arange(source.spec.size, dtype=np.float32) % 7 / 2
    spec = dataclasses.replace(source.spec, weighted=True, fingerprint="weighted")
    return InMemorySource(spec, source.data._replace(weights=weights))


def start(runs: Sequence[PlannedRun], width: int) -> chunk_lib.Chunk:
    """The chunk of these runs before its first step; one chunk, idle lanes last."""
    return few_steps.start(runs, data_of(runs[0]).data, width)


def data_of(run: PlannedRun) -> InMemorySource:
    return IMAGES if run.config.task == "classification" else TABLE


def steps(runs: Sequence[PlannedRun], width: int, count: int = 3) -> Any:
    """The variables after `count` steps, leaves [width, ...], on the host."""
    return few_steps.steps(runs, data_of(runs[0]).data, width, count)


def train(
    runs: Sequence[PlannedRun], width: int, most: int = STEPS_PER_EPOCH
) -> list[loop.Outcome]:
    """The outcomes of runs of one program."""
    return loop.train(
        runs[0].program,
        [r.config for r in runs],
        data_of(runs[0]).data,
        ExecutionStrategy(width, most),
    )


@functools.partial(jax.jit, static_argnums=0)
def one_step(program: Program, state: LaneState, lane: Lane, batch: Mapping[str, Any]) -> LaneState:
    """The state of a lane after one update by this batch, {"x", "y", "factor", ...}."""
    return train_step(program, state, lane, dict(batch))


@contextlib.contextmanager
def compiled_fully(fully: bool = True) -> Iterator[None]:
    """Compiles with all of XLA's optimisations, as users have it; other tests do with few, in half
    the time."""
    jax.config.update("jax_disable_most_optimizations", not fully)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", True)


def assert_same_bits(got: Any, expected: Any) -> None:
    """Equal leaves, -0.0 told from 0.0 and NaN equal to itself."""
    assert not unequal(got, expected)


def assert_close(got: Any, expected: Any, relative: float = 1e-5) -> None:
    """The difference within `relative` of the whole, in norm: what is left of a sum's order."""
    structure: Any = jax.tree.structure(got)
    assert structure == jax.tree.structure(expected)
    a, b = (
        np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])
        for tree in (got, expected)
    )
    assert np.isfinite(b).all()
    assert np.linalg.norm(a - b) <= relative * np.linalg.norm(b)


def assert_lane_is_alone(got: Any, own: PlannedRun, count: int) -> None:
    """The variables `got` of a lane after `count` steps are those of the run alone, to rounding."""
    assert not (wrong := beyond_rounding(got, own, data_of(own).data, count)), wrong


def member(entry: registry.Regularizer, **changes: Any) -> str:
    """A regularizer at its tiny setting, as the flag takes it."""
    options = {**entry.test_options, **changes}
    inside = ",".join(f"{name}={format_value(value)}" for name, value in options.items())
    return f"{entry.name}({inside})" if inside else entry.name


def acts_on(entry: registry.Regularizer) -> dict[str, Any]:
    """Settings of a network and optimizer on which a regularizer acts."""
    if entry.site in ("branch", "residual"):
        return {"arch.residual": True}
    if entry.site == "attention":
        return {"arch": "vit", "arch.layers": 1, "arch.heads": 2, "arch.width": 8, "arch.patch": 3}
    if entry.site == "recurrent":
        return {"arch": "gru", "arch.hidden": 4}
    if entry.name == "group_norm" or entry.site != "image" or entry.slot != "normalization":
        return {}
    return {"arch": "cnn", "arch.channels": (2, 3), "arch.dense": (4,)}


def bundled(cache_dir: str, data_dir: str | None = None) -> Planner:
    """A planner of real data sets."""
    return Planner(
        lambda config: open_source(
            config.dataset.name,
            dict(config.dataset.options),
            data_dir=data_dir,
            cache_dir=cache_dir,
        )
    )


def fitted(planner: Planner, settings: dict[str, Any]) -> tuple[chunk_lib.Chunk, PlannedRun]:
    """One run trained to its end, and its chunk, whose state holds the parameters."""
    (run,) = planner.runs([settings])
    strategy = ExecutionStrategy(1, 10_000)
    (chunk,) = chunk_lib.start(run.program, [run.config], planner.arrays(run), strategy)
    for epoch in range(run.program.config.epochs):
        loop.run_epoch(run.program, [chunk], strategy, epoch)
    return chunk, run


def csv(path: Path, x: np.ndarray, y: np.ndarray) -> str:
    """Writes a table of columns x0, x1, ..., y and returns the data set's name."""
    header = ",".join([*(f"x{i}" for i in range(x.shape[1])), "y"])
    np.savetxt(path, np.column_stack([x, y]), "%.9g", ",", header=header, comments="")
    return f"csv:{path}"
