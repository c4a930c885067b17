"""Runs of a few steps over several devices: a program for processes of their own, since JAX's
devices are fixed.

python tests/training/spread.py OUT CASE...: each case is JSON {"name", "settings", "replicas",
...}, the keywords of `curve`. Writes {name: result} as JSON. SPREAD_COORDINATOR and SPREAD_PROCESS
make it one of two processes.
"""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np

from research.data.source import open_source
from research.sweeps.plan.run_planner import Planner
from research.training.devices.chunk_functions import ChunkFunctions
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import loop
from tests.support import engine, sequences


def _run_and_data(padded: bool, settings: dict[str, Any], more: dict[str, Any]) -> Any:
    """A run on images or a table, or on sequences of unequal lengths, and its data."""
    if padded:
        return sequences.run(sequences.PADDED, **settings), sequences.PADDED.data
    if more.pop("weighted", False):
        source = engine.weighted(engine.IMAGES)
        return Planner(lambda config: source).runs([{**engine.BASE, **settings}])[0], source.data
    run = engine.run(**more, **settings)
    return run, engine.data_of(run).data


def curve(
    settings: dict[str, Any], replicas: int, epochs: int = 1, dispatch: int = 1, **more: Any
) -> dict[str, Any]:
    """The training loss of each dispatch, the curves' row of each epoch, and the variables at the
    end.

    more: regression, of `engine.run`; sequences, of unequal lengths in place of images; weighted,
        images whose rows have weights; stain, a
        number put into the padding rows;
        world, the name of an environment.
    """
    stain, padded = more.pop("stain", None), more.pop("sequences", False)
    if world := more.pop("world", None):
        source = open_source(world, {}, data_dir=None, cache_dir="")
        run = Planner(lambda config: source).runs([{"dataset": world, **settings}])[0]
        data = source.arrays()
    else:
        run, data = _run_and_data(padded, settings, more)
    program, strategy = run.program, ExecutionStrategy(1, dispatch, replicas=replicas)
    losses: list[float] = []
    with program.precision_context():
        (chunk,) = chunk_lib.start(program, [run.config], data, strategy)
        if stain is not None:
            chunk.functions = StainedFunctions(program, chunk.functions.backend, stain)
        for epoch in range(epochs):
            before = 0.0
            for _ in loop.dispatches(program, chunk, strategy, epoch):
                total = float(chunk.state.sums["loss"][0])
                losses.append(total - before)
                before = total
            chunk.rows.append(loop.close(program, chunk, strategy))
        rows = [
            {name: np.asarray(value).tolist() for name, value in row.items()} for row in chunk.rows
        ]
        variables = [np.asarray(leaf).tolist() for leaf in jax.tree.leaves(chunk.state.variables)]
        return {"losses": losses, "rows": rows, "variables": variables}


@dataclasses.dataclass(frozen=True)
class StainedFunctions(ChunkFunctions):
    """A chunk's functions, with a number in the padding rows."""

    stain: float

    def gather(self, *args: Any, **kwargs: Any) -> dict[str, jax.Array]:
        return stained(super().gather(*args, **kwargs), self.stain)


def stained(batches: dict[str, jax.Array], stain: float) -> dict[str, jax.Array]:
    """The batches with other inputs in the padding rows."""
    weight, x = batches["weight"], batches["x"]
    weight = weight.reshape(*weight.shape, *[1] * (x.ndim - weight.ndim))
    return {**batches, "x": jax.numpy.where(weight > 0, x, jax.numpy.asarray(stain, x.dtype))}


def main() -> None:
    out, *cases = sys.argv[1:]
    if "SPREAD_COORDINATOR" in os.environ:
        place = int(os.environ["SPREAD_PROCESS"])
        jax.distributed.initialize(
            os.environ["SPREAD_COORDINATOR"], num_processes=2, process_id=place
        )
    results = {}
    for case in map(json.loads, cases):
        name = case.pop("name")
        results[name] = curve(**case)
    Path(out).write_text(json.dumps(results))


if __name__ == "__main__":
    main()
