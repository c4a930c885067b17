"""Preparation: a data set whose tables are transformed and encoded as the config says."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from research.config import RunConfig
from research.data import category_encodings
from research.data.features.table_columns import TableColumns
from research.data.scaling import CURVED
from research.data.spec import DataSpec
from research.errors import UserError
from research.registry import ENCODINGS


def prepared(config: RunConfig, spec: DataSpec) -> DataSpec:
    """The data set as its network gets it, with a curve or coded categories, before a reduction.

    Args:
        config: a completed config.
        spec: the data set as its task sees it.

    Raises:
        UserError: it is no table, or a setting of tables does not fit the target.
    """
    table = spec.inputs.stored
    if not isinstance(table, TableColumns):
        raise UserError(
            f"{_flag(config)} applies only to the columns of tables, and {spec.name} has"
            f" {spec.inputs.counted}; leave it out"
        )
    if config.scaling in CURVED and not table.numeric_columns:
        raise UserError(
            f"scaling={config.scaling} applies to numbers, and {spec.name} has none; leave it out"
        )
    chosen = config.encoding_of_categories
    if config.encodes_categories and not table.coded_columns:
        raise UserError(
            f"encoding_of_categories={chosen.name}: {spec.name} is {table.describe()} and has no"
            " categories; leave it out, or name columns with --categories"
        )
    if config.encodes_categories and spec.targets.unlabelled:
        raise UserError(
            f"encoding_of_categories={chosen.name} requires a target, and task={config.task} has"
            " none; leave it out"
        )
    if chosen.name == "target":
        _check_target(config, spec)
    codes = 1
    if chosen.name == "target":
        codes = category_encodings.outputs(len(spec.targets.classes))
    inputs = table.prepared(config.scaling, spec.size, chosen.name, codes)
    return dataclasses.replace(spec, inputs=inputs)


def encoder(config: RunConfig, spec: DataSpec, y: Any) -> dict[str, Callable[..., np.ndarray]]:
    """What the inputs' `fit` takes beside the scaling: how a column's places are encoded.

    Args:
        config: the run's config, with its numbers.
        spec: its data set.
        y: the targets of all rows, [N].
    """
    chosen = config.encoding_of_categories
    encode = ENCODINGS.get(chosen.name).build(**dict(chosen.options))
    classes = len(spec.targets.classes)

    def of_rows(places: np.ndarray, count: int, rows: np.ndarray) -> np.ndarray:
        averaged = np.zeros((len(rows), 1))
        if chosen.name == "target":
            averaged = category_encodings.averaged(np.asarray(y)[rows], classes)
        codes: np.ndarray = encode(places, count, averaged)
        return codes

    return {"encode": of_rows}


def _flag(config: RunConfig) -> str:
    if config.encodes_categories:
        return f"encoding_of_categories={config.encoding_of_categories.name}"
    return f"scaling={config.scaling}"


def _check_target(config: RunConfig, spec: DataSpec) -> None:
    """Raises UserError if there is no single target per row whose mean could be taken."""
    flag = "encoding_of_categories=target"
    if spec.targets.arrays or spec.targets.shape or spec.targets.kind not in ("label", "number"):
        raise UserError(
            f"{flag} averages one target of each row, and those of {spec.name} are"
            f" {spec.targets.describe()}; use frequency or ordinal"
        )
    if config.label_noise:
        raise UserError(
            f"{flag} would show the labels that label_noise={config.label_noise:g} hides; leave one"
            " of them out"
        )
