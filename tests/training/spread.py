"""Runs of a few steps over several devices: a program for processes of their own, since JAX's devices are fixed.

python tests/training/spread.py OUT CASE...: each case is JSON {"name", "settings", "replicas", ...}, the keywords of
`curve`. Writes {name: result} as JSON. SPREAD_COORDINATOR and SPREAD_PROCESS make it one of two processes.
"""

# ruff: noqa: E402  (the tests and the code are found first)
import json
import os
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent.parent)]

import engine

from research.training import lanes as lanes_lib
from research.training import parallel
from research.training.inputs import inputs_of
from research.training.lanes import Way


def curve(settings: dict[str, Any], replicas: int, steps: int = 5, dispatch: int = 1, **more: Any) -> dict[str, Any]:
    """The training loss of each dispatch, the curves' row of each epoch, and the variables at the end.

    more: regression, of `engine.run`; stain, a number put into the padding rows.
    """
    stain = more.pop("stain", None)
    run = engine.run(**more, **settings)
    program, arrays = run.program, engine.data_of(run).data
    per_epoch, batch = program.sizes.steps_per_epoch, program.sizes.batch
    with program.numbers():
        own = parallel.functions(program, Way(1, dispatch, replicas=replicas))
        given = inputs_of(run.config, program, arrays)
        alone = lambda tree: jax.tree.map(lambda leaf: np.asarray(leaf)[None], tree)  # noqa: E731
        lanes, state = own.replicate(alone(given.lane)), own.replicate(alone(lanes_lib.init(program, given.lane)))
        x, y = own.share((arrays.x, arrays.y))
        validation = own.replicate(alone(arrays.y[given.lane.validation]))
        if run.config.label_noise:
            y = own.labels(lanes, y)
        losses: list[float] = []
        rows: list[dict[str, list[Any]]] = []
        for first in range(0, steps, dispatch):
            epoch, within = divmod(first, per_epoch)
            if within == 0:
                before = 0.0
                padding = -per_epoch % dispatch * batch
                order = own.order(lanes, np.int32(epoch), count=per_epoch * batch, padding=padding)
            batches = own.gather(x, y, order, np.int32(within), steps=dispatch)
            if stain is not None:
                batches = {**batches, "x": stained(batches, stain)}
            count = min(dispatch, per_epoch - within)
            factors = np.pad(given.factors[first:][:count], (0, dispatch - count))[:, None]
            state = own.advance(state, lanes, batches, factors, np.int32(count))
            total = float(state.sums["loss"][0])
            losses.append(total - before)
            before = total
            if within + count == per_epoch:
                evaluated = own.evaluate(state.evaluated, lanes, x, lanes.validation)
                state, row = own.close_epoch(state, lanes, evaluated, validation)
                rows.append({name: np.asarray(value).tolist() for name, value in row.items()})
        variables = [np.asarray(leaf).tolist() for leaf in jax.tree.leaves(state.variables)]
        return {"losses": losses, "rows": rows, "variables": variables}


def stained(batches: dict[str, jax.Array], stain: float) -> jax.Array:
    """The batches' x with other padding rows."""
    weight = batches["weight"].reshape(*batches["weight"].shape, *[1] * (batches["x"].ndim - batches["weight"].ndim))
    return jax.numpy.where(weight > 0, batches["x"], jax.numpy.asarray(stain, batches["x"].dtype))


def main() -> None:
    out, *cases = sys.argv[1:]
    if "SPREAD_COORDINATOR" in os.environ:
        place = int(os.environ["SPREAD_PROCESS"])
        jax.distributed.initialize(os.environ["SPREAD_COORDINATOR"], num_processes=2, process_id=place)
    results = {}
    for case in map(json.loads, cases):
        name = case.pop("name")
        results[name] = curve(**case)
    Path(out).write_text(json.dumps(results))


if __name__ == "__main__":
    main()
