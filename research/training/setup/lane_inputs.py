"""Lane inputs: what the config and the data determine before training, computed on the host."""

import dataclasses
import functools
import operator
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research import config as config_lib
from research.config import FOLLOWING, RunConfig
from research.data.data_table import BLOCK, missing
from research.data.features.feature import Fitted
from research.data.features.named_arrays import take
from research.data.spec import Arrays, DataSpec
from research.data.split import Split
from research.data.splitters.division import (
    Division,
    PartSizes,
    division,
    padded,
    shared_sizes,
)
from research.data.splitters.drawn_rows import drawn, drawn_sizes, shown_columns
from research.kernels import kernel_leaves
from research.registry import ARCHITECTURES, SCHEDULES
from research.training.boosting.earlier_runs import Kept, lane_fields
from research.training.setup import chosen_columns, host
from research.training.setup.preparation import encoder
from research.training.setup.program import Program, Sizes, blank, game_of
from research.training.step.initial_state import initial_state
from research.training.step.state import Lane, LaneState

UPDATES_PER_EPOCH = 100
# Without feedback the rate's plateau factor stays 1.
_NO_PLATEAU = {"factor": 1.0, "patience": np.inf, "min_delta": 0.0, "end": 0.0}


@dataclasses.dataclass(frozen=True)
class Inputs:
    """One run's lane (no lane axis) and its learning-rate factors, [steps] or [steps, players];
    both in the program's dtype."""

    lane: Lane
    lr_factors: np.ndarray


def sizes(config: RunConfig, spec: DataSpec) -> Sizes:
    """Rows of each split and the batch, without reading the data. Raises UserError on a split that
    is not there."""
    game = game_of(config.objective)
    if spec.inputs.collected:
        episodes = spec.test_size
        batch = config.batch_size * game.horizon
        updates = config.updates_per_epoch or UPDATES_PER_EPOCH
        return Sizes(0, episodes, episodes, batch, updates=updates)
    if config.row_share is not None or config.inner_folds is not None:
        by_fold, place = _drawn_sizes(config, spec)
    else:
        how, place = division(config.split), config.fold or 0
        by_fold = _shared_sizes(how, spec, config.train_size, config.batch_size, config.remainder)
    most, fewest = by_fold[place]
    # One program for these folds: smaller ones are padded to the largest.
    uneven = tuple(fewest) if fewest != most else ()
    if host.is_fitted(config):
        return Sizes(*most, batch=most.train, fewest=uneven)
    # A step reads a batch for each of its rounds.
    batch = (config.batch_size or most.train) * game.rounds
    return Sizes(*most, batch, config.remainder, uneven)


# Cached, since each fold of a sweep asks for those of all.
@functools.lru_cache(maxsize=64)
def _shared_sizes(
    how: Division, spec: DataSpec, train_size: int | None, batch: int, remainder: str
) -> list[tuple[PartSizes, PartSizes]]:
    return shared_sizes(how.sizes(spec, train_size), batch, remainder == "pad", how.varies)


def _drawn_sizes(
    config: RunConfig, spec: DataSpec
) -> tuple[list[tuple[PartSizes, PartSizes]], int]:
    """As `_shared_sizes`, of the rows that a run draws, and which of these folds is the run's."""
    how = division(config.split)
    folds, place = drawn_sizes(config, spec, how.sizes(spec, config.train_size))
    return shared_sizes(folds, config.batch_size, config.remainder == "pad", how.varies), place


def make_program(config: RunConfig, spec: DataSpec) -> Program:
    """The program that trains a completed config."""
    return Program(blank(config), spec, sizes(config, spec))


def lr_factors_of(config: RunConfig, program: Program) -> np.ndarray:
    """The learning rate's factor at each step, [steps]; of several players, [steps, players]."""
    tables = []
    for _, view in config_lib.views(config):
        table = SCHEDULES.get(view.schedule.name).build(
            steps=program.steps,
            steps_per_epoch=program.sizes.steps_per_epoch,
            **dict(view.schedule.options),
        )
        tables.append(np.asarray(table, program.dtype))
    return np.stack(tables, axis=-1) if config.players else tables[0]


def make_lane_inputs(
    config: RunConfig, program: Program, arrays: Arrays, earlier: Sequence[Kept] = ()
) -> Inputs:
    """A completed config's lane: its split, its scaling (fitted on its training rows) and its
    numbers.

    Args:
        config: the run's config.
        program: its program.
        arrays: its data.
        earlier: what the runs kept that a boosted run learns from.
    """
    rows = split_rows(config, program.spec, arrays)
    spec = program.spec
    arrays = spec.view(arrays)
    counted = _with_targets(program, arrays.y, rows.train)
    more = {}
    if config.encodes_categories:
        more = encoder(config, spec, arrays.y)
    fitted = spec.inputs.fit(arrays.x, counted, config.scaling, program.dtype, **more)
    if config.column_share is not None:
        # What a network is not shown is scaled to 0.
        shown = shown_columns(config, spec.inputs.shape)
        fitted = fitted._replace(scale=np.where(shown, fitted.scale, np.inf))
    if config.hides_columns:
        fitted = chosen_columns.with_chosen(config, program, arrays, rows, fitted)
    target_shift, target_scale = spec.targets.fit_target(
        arrays.y, rows.train, config.target_scaling
    )
    unit = program.problem.unit
    boosted = {}
    if program.boosted:
        classes = len(spec.targets.classes)
        boosted = lane_fields(config, arrays.y, rows.train, classes, earlier)
    lane = make_lane(
        config,
        program,
        rows,
        **fitted._asdict(),
        target_shift=target_shift,
        target_scale=target_scale,
        unit=1 if unit is None else unit(arrays, rows.train),
        class_weight=_class_weight(config, program, arrays.y, rows.train),
        constants=_constants(program, arrays.x, counted, fitted),
        **boosted,
    )
    return Inputs(lane, lr_factors_of(config, program))


def _constants(program: Program, x: Any, train: np.ndarray, fitted: Fitted) -> Any:
    """The constants of the program's network, or None.

    Args:
        program: the lane's program.
        x: raw examples, [N, ...].
        train: the training rows, int [n].
        fitted: what is fitted to them.
    """

    arch = program.config.arch
    fit = ARCHITECTURES.get(arch.name).constants
    if fit is None:
        return None
    narrow = jax.tree.map(lambda value: np.asarray(value, program.dtype), fitted)
    with program.precision_context():
        seen = program.spec.inputs.normalize(take(x, train), narrow, program.dtype)
        return fit(seen, **dict(arch.options))


def _class_weight(
    config: RunConfig, program: Program, y: np.ndarray, rows: np.ndarray
) -> np.ndarray | None:
    """The weight of each class, [K], by the labels y [N] of the training rows, as the data have
    them; None without weights."""
    if config.class_weight is None:
        return None
    counts = np.bincount(y[rows], minlength=program.width)
    return config.class_weight.of_classes(program.spec.targets.classes, counts)


def make_lane(config: RunConfig, program: Program, rows: Split, **fitted: Any) -> Lane:
    """A completed config's lane of some rows.

    Args:
        config: the run's config.
        program: its program.
        rows: its training, validation and test rows.
        **fitted: the fields that are fitted to the training rows.
    """
    plateau = dict(_NO_PLATEAU)
    if SCHEDULES.get(config.schedule.name).feedback:
        plateau = {name: float(config.schedule[name]) for name in plateau}
    train, validation, test = rows
    if program.sizes.uneven:
        sizes = program.sizes
        most = (sizes.train, sizes.validation, sizes.test)
        train, validation, test = map(padded, rows, most)
    # In the program's dtype, so that all lanes have the same types and share the compiled step.
    number = program.dtype.type
    return Lane(
        **_seeds(config),
        hparams={path: number(value) for path, value in config_lib.numeric(config).items()},
        plateau={name: number(value) for name, value in plateau.items()},
        train=train,
        validation=validation,
        test=test,
        **jax.tree.map(lambda value: np.asarray(value, program.dtype)[()], fitted),
    )


def _seeds(config: RunConfig) -> dict[str, np.uint32]:
    """The seeds of a lane; the split is drawn on the host."""
    # Records of host estimators have none but `seed`, since nothing else of theirs is drawn.
    seeds = {name: getattr(config, name) for name in FOLLOWING}
    return {name: np.uint32(config.seed if s is None else s) for name, s in seeds.items()}


def _with_targets(program: Program, y: Any, rows: np.ndarray) -> np.ndarray:
    """Those of the rows that have a target; an example without any counts in nothing."""
    if not program.counts_targets or not program.spec.inputs.numeric:
        return rows
    # In blocks, so that the targets of images are not copied all at once.
    parts = np.array_split(rows, -(-len(rows) // BLOCK))
    there = np.concatenate([~missing(y[part]).reshape(len(part), -1).all(axis=1) for part in parts])
    return rows[there] if there.any() else rows


def split_rows(config: RunConfig, spec: DataSpec, arrays: Arrays) -> Split:
    """The rows that a run trains, validates and tests on.

    Args:
        config: the completed config.
        spec: what is known of the data.
        arrays: the rows of the data.

    Raises:
        UserError: the rows cannot be divided like this.
    """
    assert config.split_seed is not None
    if spec.inputs.collected:
        validation, test = np.split(np.arange(spec.size, dtype=np.int32), 2)
        return Split(np.zeros(0, np.int32), validation, test)
    folds = _splits(
        division(config.split), spec, config.split_seed, config.train_size, _Rows(arrays)
    )
    return drawn(config, folds[config.fold or 0], spec, arrays)


class _Rows:
    """What a division reads of arrays. Two are equal if they hold the very same arrays, whose
    content is not compared."""

    def __init__(self, arrays: Arrays) -> None:
        # The inputs are left out, so that a cache does not keep them in memory.
        self.arrays = arrays._replace(x=None)

    def __hash__(self) -> int:
        return hash(tuple(map(id, self.arrays)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Rows) and all(map(operator.is_, self.arrays, other.arrays))


# Cached, since the folds of a seed follow each other as lanes. Few, since leaving one of N rows out
# takes N * N numbers.
@functools.lru_cache(maxsize=2)
def _splits(
    how: Division, spec: DataSpec, seed: int, train_size: int | None, rows: _Rows
) -> list[Split]:
    return how.splits(spec, rows.arrays, seed=seed, train_size=train_size)


def stacked(lanes: list[Lane]) -> Lane:
    """Lanes with a leading lane axis [W, ...], on the host."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *lanes)


def abstract_lane(config: RunConfig, program: Program) -> Lane:
    """A lane's shapes, without data: what `jax.eval_shape` needs."""
    number = jax.ShapeDtypeStruct((), program.dtype)
    target_shift, target_scale = program.spec.targets.fitted_target_like(program.dtype)
    rows = lambda count: jax.ShapeDtypeStruct((count,), jnp.int32)  # noqa: E731
    size, width = program.spec.size, program.width
    per_row: dict[str, dict[str, tuple[int, ...]]] = {
        "weights": {"row_weight": (size,)},
        "residuals": {"offset": (size, width)},
    }
    fitted = program.spec.inputs.fitted_like(program.dtype)
    if config.column_share is not None:
        shape = jax.ShapeDtypeStruct(program.spec.inputs.shape, program.dtype)
        fitted = fitted._replace(scale=shape)
    boosted: dict[str, tuple[int, ...]] = per_row.get(program.config.boost, {})
    return Lane(
        **dict.fromkeys(FOLLOWING, jax.ShapeDtypeStruct((), jnp.uint32)),
        hparams=dict.fromkeys(config_lib.numeric(config), number),
        plateau=dict.fromkeys(_NO_PLATEAU, number),
        **fitted._asdict(),
        target_shift=target_shift,
        target_scale=target_scale,
        unit=number,
        train=rows(program.sizes.train),
        validation=rows(program.sizes.validation),
        test=rows(program.sizes.test),
        class_weight=(
            jax.ShapeDtypeStruct((program.width,), program.dtype) if program.weighted else None
        ),
        constants=_constants_like(program),
        **{name: jax.ShapeDtypeStruct(shape, program.dtype) for name, shape in boosted.items()},
    )


def _constants_like(program: Program) -> Any:
    """The shapes of a lane's constants, which are those of any row."""
    arch = program.config.arch
    fit = ARCHITECTURES.get(arch.name).constants
    if fit is None:
        return None
    one = program.spec.inputs.placeholder()
    row = jax.tree.map(lambda part: np.zeros((1, *part.shape), part.dtype), one)
    constants = fit(row, **dict(arch.options))
    return jax.tree.map(lambda value: jax.ShapeDtypeStruct(value.shape, program.dtype), constants)


def footprint(config: RunConfig, program: Program) -> tuple[int, int]:
    """How many parameters a run has, and the bytes of its lane's state, without making either."""
    if program.fitted:
        return 0, 0
    state = abstract_state(config, program)
    parameters = sum(leaf.size for leaf in jax.tree.leaves(state.variables.params))
    return parameters, sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))


def kernel_ranks(config: RunConfig, program: Program) -> set[int]:
    """The ranks of the network's kernels: 2 for dense layers, 4 for images' convolutions."""
    return {leaf.ndim for leaf in kernel_leaves(abstract_state(config, program).variables.params)}


def abstract_state(config: RunConfig, program: Program) -> LaneState:
    """A run's state before its first step, as shapes."""
    with program.precision_context():
        return jax.eval_shape(
            functools.partial(initial_state, program), abstract_lane(config, program)
        )
