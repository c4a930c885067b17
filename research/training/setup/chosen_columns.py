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
from research.options import format_value
from research.registry import REGULARIZERS, SELECTIONS
from research.training.setup.program import Program

EACH = "each"


def _text(config: RunConfig) -> str:
    """The selection as a flag takes it."""
    values = [format_value(value) for _, value in config.select.options]
    return f"{config.select.name}({', '.join(values)})"


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
            f"{setting} chooses among the columns of a table, and the inputs of {spec.name} are"
            f" {inputs.describe()}; leave it out"
        )
    if inputs.kind == "reduced":
        raise UserError(
            f"reduce={config.reduce} makes its numbers of all columns, and {setting} chooses among"
            " them; leave one of them out"
        )
    if config.column_share is not None:
        raise UserError(
            f"column_share draws the columns that a run sees, and {setting} chooses them; leave one"
            " of them out"
        )
    for part in config.regularization:
        if REGULARIZERS.get(part.name).slot == "data":
            raise UserError(
                f"{part.name} changes inputs, and {setting} sets some of them to 0; leave one of"
                " them out"
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
                f" --grid=drop_feature=none|{EACH}"
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
            f"select={_text(config)} compares columns with one label or number per row; task="
            f"{config.task} has none; leave it out"
        )
    if config.label_noise:
        raise UserError(
            "label_noise redraws the labels that a run trains on, and select reads those of the"
            " data; leave one of them out"
        )
    count = dict(config.select.options).get("count", 0)
    if count > len(seen):
        raise ShapeError(
            f"select={_text(config)}: {spec.name} has only {len(seen)} features"
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
                f"select={_text(config)} chooses none of the {len(seen)} features; ask for less"
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
