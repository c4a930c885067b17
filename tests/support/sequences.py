"""Small sequences in memory, and runs of a few steps on them: what the tests of sequences share."""

from typing import Any

import jax
import numpy as np

from research.data.spec import Arrays, DataSpec, spec_of
from research.data.windows import Windows
from research.registry import ARCHITECTURES
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import loop
from tests.support.engine import InMemorySource

SYMBOLS, CONTEXT = ("a", "b", "c", "d", "e"), 6
SEQUENTIAL = [entry.name for entry in ARCHITECTURES if "per_step" in entry.needs_facts]


def spec(task: str, size: int, **changes: Any) -> DataSpec:
    fields = {
        "name": "memory",
        "task": task,
        "shape": (CONTEXT,),
        "target_shape": (CONTEXT,),
        "classes": SYMBOLS,
        "vocabulary": SYMBOLS,
        "size": size,
        "test_size": 0,
        "fingerprint": f"memory-{task}",
    }
    return spec_of({**fields, **changes})


def characters() -> InMemorySource:
    """Characters of which each decides the next, but for noise."""
    draw = np.random.default_rng(0)
    sequence = np.cumsum(1 + (draw.random(220) < 0.1)).astype(np.int32) % len(SYMBOLS)
    x, y = (Windows(sequence, CONTEXT, len(sequence) - CONTEXT, first) for first in (0, 1))
    return InMemorySource(
        spec("language_model", len(x), windows=True), Arrays(x, y, np.zeros(0, np.int32))
    )


def padded(extra: int = 0) -> InMemorySource:
    """Sequences of 2 to 6 tokens to repeat, with that much more padding at their end.

    To an encoder–decoder the first two are the source.
    """
    draw, rows = np.random.default_rng(1), 60
    x = draw.integers(0, len(SYMBOLS), (rows, CONTEXT), np.int32)
    x[np.arange(CONTEXT) >= draw.integers(2, CONTEXT + 1, (rows, 1))] = -1
    x = np.pad(x, ((0, 0), (0, extra)), constant_values=-1)
    steps = (CONTEXT + extra,)
    own = spec("step_classification", rows, shape=steps, target_shape=steps, source=2)
    return InMemorySource(own, Arrays(x, x.copy(), np.zeros(0, np.int32)))


TEXT, PADDED = characters(), padded()
BASE = {
    "arch": "gru",
    "arch.hidden": 5,
    "split": "4:1:1",
    "batch_size": 8,
    "epochs": 2,
    "learning_rate": 0.05,
}


def run(source: InMemorySource = TEXT, **settings: Any) -> PlannedRun:
    given = {name.replace("__", "."): value for name, value in settings.items()}
    base = {
        k: v for k, v in BASE.items() if k != "arch.hidden" or given.get("arch", "gru") == "gru"
    }
    return Planner(lambda config: source).runs([{**base, **given}])[0]


def train(
    runs: list[PlannedRun], width: int, source: InMemorySource = TEXT, **options: Any
) -> list[loop.Outcome]:
    configs, strategy = [r.config for r in runs], ExecutionStrategy(width, 4)
    return loop.train(runs[0].program, configs, source.data, strategy, **options)


def tiny(name: str) -> dict[str, Any]:
    return {
        "arch": name,
        **{f"arch.{key}": value for key, value in ARCHITECTURES.get(name).test_options.items()},
    }


def start(runs: list[PlannedRun], width: int, source: InMemorySource = TEXT) -> chunk_lib.Chunk:
    (chunk,) = chunk_lib.start(
        runs[0].program, [r.config for r in runs], source.data, ExecutionStrategy(width, 1)
    )
    return chunk


def steps(runs: list[PlannedRun], width: int, source: InMemorySource = TEXT, count: int = 2) -> Any:
    chunk = start(runs, width, source)
    running = loop.dispatches(runs[0].program, chunk, ExecutionStrategy(width, 1), 0)
    for _ in range(count):
        next(running)
    return jax.device_get(chunk.state.variables)
