"""Options that every table has, wherever it comes from: the task to read it for, and how gaps are
filled."""

import dataclasses
import os
import shutil
from pathlib import Path
from typing import Annotated, Literal

import numpy as np

from research.data import labels
from research.data.array_cache import fields_of, store, whole
from research.data.data_table import Table
from research.data.features.table_columns import TableColumns
from research.data.spec import Source, spec_of
from research.errors import UserError
from research.options import options_of

Impute = Annotated[
    str | None,
    "replace missing numbers by this statistic of the training rows: mean, median or"
    " most_frequent; median(by=COLUMN): of those with the same category;"
    " indicator(median): and columns that say which were missing",
]

Task = Annotated[
    Literal["auto", "classification", "regression"],
    "auto: classification for classes and few whole numbers",
]


def adapted(
    source: Source,
    *,
    cache_dir: str,
    task: Task = "auto",
    impute: Impute = None,
) -> Source:
    """The source as one that suits a task, with its missing numbers to be filled.

    Args:
        source: the data set as it is stored.
        cache_dir: where arrays are kept that had to be made again.
        task: the task that the set is read for.
        impute: how missing numbers are filled; None: they are refused.

    Raises:
        UserError: a number is missing and `impute` is None; the message names row and column.
            `impute` is unknown, or reads a column that is no category.
    """
    spec = source.spec
    inputs = spec.inputs
    if impute and not isinstance(inputs, TableColumns):
        raise UserError(
            f"impute fills the columns of a table, and an example of {spec.name} has shape"
            f" {inputs.shape}"
        )
    if inputs.gap and not impute:
        row, named = inputs.gap
        table = isinstance(inputs, TableColumns)
        fill = "set --impute=mean, median or most_frequent" if table else "fill it in"
        raise UserError(
            f"{spec.name}, row {row} (the first is 0), {named}: the value is missing; {fill}"
        )
    if isinstance(inputs, TableColumns) and impute:
        filled = dataclasses.replace(inputs, impute=impute)
        filled.check_impute(spec.name)
        source = dataclasses.replace(source, spec=dataclasses.replace(spec, inputs=filled))
    if task in ("auto", spec.task) or spec.targets.shape:
        return source
    return _for_task(source, task, cache_dir)


OPTIONS = options_of(adapted, given={"source", "cache_dir"})


def _for_task(source: Source, task: str, cache_dir: str) -> Source:
    """The source with classes that are numbers as a quantity, or a quantity as classes; others as
    they are."""
    spec = source.spec
    y = np.asarray(source.arrays().y)
    classes: tuple[str, ...] = ()
    if task == "regression" and spec.targets.numbered:
        y = np.array(spec.targets.classes, np.float64)[y].astype(np.float32)
    elif task == "classification" and spec.task == "regression":
        # The origin is added in float64: float32 would merge classes that lie close together.
        labelled = labels.labels_of(spec.targets.restored(y.astype(np.float64)))
        if len(labelled.values) == len(y) > labels.MOST:
            raise UserError(f"{spec.name}: each of its {len(y)} rows would have a class of its own")
        y = labelled.places
        classes = labels.names(labelled)
    else:
        return source
    directory = Path(cache_dir) / "arrays" / f"{source.directory.name}-{task}"
    if not (directory / "spec.json").exists():
        with whole(directory) as partial:
            for file in source.directory.glob("x*.npy"):
                try:
                    # The inputs are the same, so they are linked, not copied.
                    os.link(file, partial / file.name)
                except OSError:  # a file system without links
                    shutil.copyfile(file, partial / file.name)
            store(_with_target(source, y, classes), partial, source.names)
    stored = spec_of({**fields_of(directory), "name": spec.name})
    adapted_spec = dataclasses.replace(stored, inputs=spec.inputs)
    return dataclasses.replace(source, spec=adapted_spec, directory=directory)


def _with_target(source: Source, y: np.ndarray, classes: tuple[str, ...]) -> Table:
    """The source's table with another target."""
    spec, x = source.spec, source.arrays().x
    return Table(
        x,
        y,
        classes,
        test_size=spec.test_size,
        note=spec.note,
        notes=tuple(note for note in spec.notes if not note.startswith("the target ")),
        **spec.inputs.of_table,
    )
