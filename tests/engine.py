"""Small data in memory, and runs of a few steps on it: what the tests of the engine share."""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
from jax.tree_util import keystr, tree_leaves_with_path

import research.catalogue  # noqa: F401
from research import registry
from research.data.source import open_source
from research.data.spec import Arrays, DataSpec
from research.options import format_value
from research.sweeps.plan import Planner, Run
from research.training import chunk as chunk_lib
from research.training import loop
from research.training.lanes import Way

EPOCHS, STEPS_PER_EPOCH, BATCH = 3, 5, 8


@dataclasses.dataclass(frozen=True)
class Memory:
    """A source that is already there."""

    spec: DataSpec
    data: Arrays

    def arrays(self) -> Arrays:
        return self.data


def images(rows: int = 60, classes: int = 3) -> Memory:
    """Random images [6, 6, 1] whose class is the place of a bright stripe: 40:10:10 rows at a split of 4:1:1."""
    generator = np.random.default_rng(0)
    y = np.arange(rows, dtype=np.int32) % classes
    x = generator.integers(0, 160, (rows, 6, 6, 1))
    x[np.arange(rows), 2 * y] += 90
    names = tuple(str(k) for k in range(classes))
    return _memory("classification", x.astype(np.uint8), y, names, 255.0)


def table(rows: int = 60, features: int = 4) -> Memory:
    """A regression's table, linear but for some noise."""
    generator = np.random.default_rng(1)
    x = generator.normal(size=(rows, features)).astype(np.float32)
    y = (x @ np.linspace(-1, 1, features) + 0.1 * generator.normal(size=rows)).astype(np.float32)
    return _memory("regression", x, y, (), 1.0)


def _memory(task: Any, x: np.ndarray, y: np.ndarray, classes: tuple[str, ...], maximum: float) -> Memory:
    features = () if x.ndim > 2 else tuple(f"x{i}" for i in range(x.shape[1]))
    spec = DataSpec("memory", task, x.shape[1:], classes, features, maximum, len(x), 0, f"memory-{task}", True)
    return Memory(spec, Arrays(x, y, np.zeros(0, np.int32)))


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


def run(regression: bool = False, **settings: Any) -> Run:
    """A run on the small data. `__` in a name stands for a dot."""
    given = {name.replace("__", "."): value for name, value in settings.items()}
    base = {k: v for k, v in BASE.items() if k != "arch.hidden" or given.get("arch", "mlp") == "mlp"}
    return planner(regression).runs([{**base, **given}])[0]


def start(runs: Sequence[Run], width: int) -> chunk_lib.Chunk:
    """The chunk of these runs before its first step; one chunk, idle lanes last."""
    (chunk,) = chunk_lib.start(runs[0].program, [r.config for r in runs], data_of(runs[0]).data, Way(width, 1))
    return chunk


def data_of(run: Run) -> Memory:
    return IMAGES if run.config.task == "classification" else TABLE


def steps(runs: Sequence[Run], width: int, count: int = 3, nudge: int | None = None) -> Any:
    """The variables after `count` steps, leaves [width, ...], on the host.

    nudge: a seed by which every initial parameter goes to one of the two floats beside it.
    """
    chunk, way = start(runs, width), Way(width, 1)
    if nudge is not None:
        nudged = _nudged(chunk.state.variables.params, nudge)
        chunk.state = dataclasses.replace(
            chunk.state, variables=dataclasses.replace(chunk.state.variables, params=nudged)
        )
    running = chunk_lib.dispatches(runs[0].program, chunk, way, 0)
    for _ in range(count):
        next(running)
    return jax.device_get(chunk.state.variables)


def _nudged(params: Any, seed: int) -> Any:
    generator = np.random.default_rng(seed)

    def nudged(leaf: jax.Array) -> jax.Array:
        towards = np.where(generator.random(leaf.shape) < 0.5, -np.inf, np.inf).astype(np.float32)
        return jax.numpy.asarray(np.nextafter(np.asarray(leaf), towards))

    return jax.tree.map(nudged, params)


def train(runs: Sequence[Run], width: int, most: int = STEPS_PER_EPOCH) -> list[loop.Outcome]:
    """The outcomes of runs of one program."""
    return loop.train(runs[0].program, [r.config for r in runs], data_of(runs[0]).data, Way(width, most))


@contextlib.contextmanager
def compiled_lightly(light: bool = True) -> Iterator[None]:
    """Compiles without most of XLA's optimisations, in half the time."""
    jax.config.update("jax_disable_most_optimizations", light)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", False)


def lane(tree: Any, place: int) -> Any:
    """One lane of a tree of lanes."""
    return jax.tree.map(lambda leaf: leaf[place], tree)


def assert_same_bits(got: Any, expected: Any) -> None:
    """Equal leaves, -0.0 told from 0.0 and NaN equal to itself."""
    assert jax.tree.structure(got) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


def assert_close(got: Any, expected: Any, relative: float = 1e-5) -> None:
    """The difference within `relative` of the whole, in norm: what is left of a sum's order."""
    assert jax.tree.structure(got) == jax.tree.structure(expected)
    a, b = (np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)]) for tree in (got, expected))
    assert np.isfinite(b).all()
    assert np.linalg.norm(a - b) <= relative * np.linalg.norm(b)


NUDGES, MULTIPLE = 3, 5


def assert_lane_is_alone(got: Any, own: Run, count: int) -> None:
    """The variables `got` of a lane after `count` steps are those of the run alone, to rounding.

    In norm a leaf may differ by 1e-5 of the way that the run has gone since its start, or by 5 times what a nudge of
    the initial parameters to the floats beside them makes, alone: the bias before a normalization has a gradient of
    mere rounding, of which Adam makes a step. Measured are at most 3e-6 of the way and 1.3 nudges.
    """
    alone = lane(steps([own], 1, count), 0)
    nudged = [lane(steps([own], 1, count, nudge=seed), 0) for seed in range(NUDGES)]
    way = optax.tree.norm(_difference(alone, jax.device_get(lane(start([own], 1).state.variables, 0))))
    moved = [jax.tree.map(np.linalg.norm, _difference(one, alone)) for one in nudged]
    allowed = jax.tree.map(lambda *each: max(1e-5 * way, MULTIPLE * max(each)), *moved)
    differs = jax.tree.map(np.linalg.norm, _difference(got, alone))
    assert np.isfinite(way)
    wrong = jax.tree.map(lambda norm, most: not norm <= most, differs, allowed)
    assert not any(jax.tree.leaves(wrong)), [keystr(path) for path, is_ in tree_leaves_with_path(wrong) if is_]


def _difference(a: Any, b: Any) -> Any:
    return jax.tree.map(lambda x, y: x.astype(np.float64) - y, a, b)


def member(entry: registry.Regularizer, **changes: Any) -> str:
    """A regularizer at its tiny setting, as the flag takes it."""
    options = {**entry.tiny, **changes}
    inside = ",".join(f"{name}={format_value(value)}" for name, value in options.items())
    return f"{entry.name}({inside})" if inside else entry.name


def acts_on(entry: registry.Regularizer) -> dict[str, Any]:
    """Settings of a network and optimizer on which a regularizer acts."""
    if entry.site == "branch":
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
            config.dataset.name, dict(config.dataset.options), data_dir=data_dir, cache_dir=cache_dir
        )
    )


def fitted(planner: Planner, settings: dict[str, Any]) -> tuple[chunk_lib.Chunk, Run]:
    """One run trained to its end, and its chunk, whose state holds the parameters."""
    (run,) = planner.runs([settings])
    way = Way(1, 10_000)
    (chunk,) = chunk_lib.start(run.program, [run.config], planner.arrays(run), way)
    for epoch in range(run.program.config.epochs):
        chunk_lib.run_epoch(run.program, [chunk], way, epoch)
    return chunk, run


def csv(path: Path, x: np.ndarray, y: np.ndarray) -> str:
    """Writes a table of columns x0, x1, ..., y and returns the data set's name."""
    header = ",".join([*(f"x{i}" for i in range(x.shape[1])), "y"])
    np.savetxt(path, np.column_stack([x, y]), "%.9g", ",", header=header, comments="")
    return f"csv:{path}"
