"""Chosen columns: which of a table's features a run sees, as `drop_feature` and `select` say."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.config import RunConfig
from research.data.features.feature import Fitted
from research.data.features.named_arrays import by_array, take
from research.data.features.table_columns import TableColumns
from research.data.selection.candidates import Candidates
from research.data.spec import Arrays, DataSpec
from research.data.split import Split
from research.errors import ShapeError, UserError, nearest
from research.registry import REGULARIZERS, SELECTIONS
from research.training.setup.program import Program

EACH = "each"


def check(config: RunConfig, spec: DataSpec) -> None:
    """Raises UserError if features cannot be dropped or chosen, and ShapeError if there are too few
    of them.

    Args:
        config: a completed config.
        spec: the data set as its architecture takes it.
    """
    setting = "select" if config.selects else "drop_feature"
    inputs = spec.inputs
    if not isinstance(inputs, TableColumns):
        raise UserError(
            f"{setting} applies to tables, and the inputs of {spec.name} are {inputs.describe()};"
            " leave it out"
        )
    if inputs.kind == "reduced":
        raise UserError(
            f"{setting} cannot be combined with reduce={config.reduce.call}, which mixes all"
            " columns; leave one of them out"
        )
    if config.column_share is not None:
        raise UserError(
            f"column_share and {setting} both choose the columns that a run sees; leave one of them"
            " out"
        )
    for part in config.regularization:
        if REGULARIZERS.get(part.name).slot == "data":
            raise UserError(
                f"{part.name} would change the inputs that {setting} sets to 0; leave one of them"
                " out"
            )
    seen = _seen(config, inputs)
    if config.selects:
        _check_selection(config, spec, seen)


def _seen(config: RunConfig, inputs: TableColumns) -> dict[str, tuple[int, ...]]:
    """The features that are not dropped, with the places of their columns.

    Raises UserError on an unknown one, and if none is left.
    """
    features = inputs.columns_by_name
    for name in config.drop_feature or ():
        if name == EACH and EACH not in features:
            raise UserError(
                f"drop_feature={EACH} takes several runs; put it on an axis:"
                f" --grid='drop_feature=none|{EACH}'"
            )
        if name not in features:
            raise UserError(f"drop_feature={name}: no such column; {nearest(name, features)}")
    left = {n: places for n, places in features.items() if n not in (config.drop_feature or ())}
    if not left:
        raise UserError(f"drop_feature={','.join(features)} leaves no column")
    return left


def _check_selection(config: RunConfig, spec: DataSpec, seen: Mapping[str, Any]) -> None:
    targets = spec.targets
    if targets.shape or targets.parts or targets.unlabelled or config.task not in SUPERVISED:
        raise UserError(
            f"select={config.select.call} requires one label or number per row, and"
            f" task={config.task} has none; leave it out"
        )
    if config.label_noise:
        raise UserError(
            "select would read the labels from before label_noise; leave one of them out"
        )
    count = dict(config.select.options).get("count", 0)
    if count > len(seen):
        raise ShapeError(
            f"select={config.select.call}: {spec.name} has only {len(seen)} features"
            f"{' that are not dropped' if config.drop_feature else ''}"
        )


SUPERVISED = ("classification", "regression")


def with_chosen(
    config: RunConfig, program: Program, arrays: Arrays, rows: Split, fitted: Fitted
) -> Fitted:
    """What is fitted to the inputs, with an infinite scale for each column that the run does not
    see: it is 0 then.

    Args:
        config: the run's config.
        program: its program.
        arrays: its data, as the features read them.
        rows: its rows; only training rows are read.
        fitted: what is fitted to the inputs.

    Raises:
        UserError: no feature is chosen.
    """
    inputs = program.spec.inputs.as_a(TableColumns)
    seen = _seen(config, inputs)
    if config.selects:
        chosen = _chosen(config, program, arrays, rows, fitted, seen)
        if not chosen.any():
            raise UserError(
                f"select={config.select.call} chooses none of the {len(seen)} features; use a"
                " smaller number"
            )
        seen = {name: seen[name] for name, is_chosen in zip(seen, chosen, strict=True) if is_chosen}
    shown = np.zeros(inputs.shape, bool)
    shown[[place for places in seen.values() for place in places]] = True
    return fitted._replace(scale=np.where(shown, fitted.scale, np.inf))


def _chosen(
    config: RunConfig,
    program: Program,
    arrays: Arrays,
    rows: Split,
    fitted: Fitted,
    seen: Mapping[str, tuple[int, ...]],
) -> np.ndarray:
    """Which of the features are chosen, bool [F]."""
    train = rows.train
    # In the program's type, as the network sees the numbers.
    of = jax.tree.map(lambda part: np.asarray(part, program.dtype), fitted)
    raw = by_array(take(arrays.x, train), jnp.asarray)
    x = np.asarray(program.spec.inputs.normalize(raw, of, program.dtype), np.float64)
    candidates = Candidates(
        x,
        x * np.asarray(of.scale, np.float64) + of.shift,
        np.asarray(take(arrays.y, train)),
        bool(program.spec.targets.classes),
        seen,
        config.seed,
    )
    entry = SELECTIONS.get(config.select.name)
    chosen: np.ndarray = entry.build(**dict(config.select.options))(candidates)
    return chosen


def names(program: Program, scale: Any) -> list[str]:
    """The features that a run chose; [] where it does not choose.

    Args:
        program: the run's program.
        scale: of its inputs, [D], as `with_chosen` left it.
    """
    if not program.config.selects:
        return []
    features = program.spec.inputs.as_a(TableColumns).columns_by_name
    shown = np.isfinite(scale)
    return [name for name, places in features.items() if shown[[*places]].all()]
