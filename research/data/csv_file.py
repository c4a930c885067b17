"""`csv:FILE`: a table in a file. Types are inferred, categories become one-hot columns, the target
is a column."""

import functools
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from research.data import csv_header
from research.data import impute as impute_lib
from research.data.array_cache import digest, open_table, task_of
from research.data.csv_advice import without_flags
from research.data.csv_columns import PLAIN, CsvColumn, Reading, read_columns
from research.data.csv_groups import pop_groups
from research.data.csv_moments import with_dates
from research.data.csv_numbers import Format
from research.data.csv_options import CsvOptions
from research.data.csv_remarks import notes_on
from research.data.csv_series import open_csv_series
from research.data.csv_target import no_target, target_like, target_of
from research.data.csv_values import (
    Values,
    check_complete,
    check_one_hot,
    like,
    units_of,
    values_of,
)
from research.data.csv_weights import pop_weights
from research.data.data_table import Table
from research.data.features.table_columns import TableColumns
from research.data.one_hot import OneHot
from research.data.origin import differences, narrow
from research.data.spec import UNLABELLED, DataSpec, Source
from research.errors import UserError, close, nearest
from research.options import options_of
from research.registry import DATASETS, Entry

# Raised when the same file is read as other arrays.
VERSION = "2.6.0"


def open_csv(path: str, *, data_dir: str | None, cache_dir: str, **settings: Any) -> Source:
    """A csv file with a header, as it is or packed by gzip, bzip2 or xz.

    Missing numbers stay NaN, to be filled from the training rows (`impute`).

    Args:
        path: the file.
        data_dir: unused; the directory of prepared sets, which other sources read.
        cache_dir: the directory of decoded copies.
        **settings: the fields of CsvOptions.

    Raises:
        UserError: naming row and column, for a missing value without `impute`, and for text where
            numbers belong.
    """
    if not path:
        raise UserError("csv: names no file; write --dataset=csv:FILE")
    file = Path(path).expanduser()
    options = CsvOptions(**settings)
    reading = options.reading()
    if options.impute:
        impute_lib.method_of(options.impute)
    key = _cache_key(path, options, cache_dir)
    if options.task == "forecast":
        if options.impute:
            raise UserError(
                "impute fills the columns of a table; a series must have a value at each step"
            )
        if options.weight:
            raise UserError("weight weighs the rows of a table; leave it out of a forecast")
        if options.group:
            raise UserError("group joins the rows of a table; leave it out of a forecast")
        return open_csv_series(file, options, key, cache_dir)
    if options.for_series():
        raise UserError(
            f"csv:{path}: context, burn_in, time and series apply only to a series; give"
            " --task=forecast, or leave them out"
        )
    load = functools.partial(
        read,
        file,
        options.target,
        options.impute is not None,
        options.task,
        reading,
        options.group,
        options.weight,
    )
    known = {"name": f"csv:{file.name}", "impute": options.impute or ""}
    source = open_table(f"{key}-{VERSION}", load, cache_dir=cache_dir, **known)
    source.spec.inputs.as_a(TableColumns).check_impute(source.spec.name)
    return source


def _cache_key(path: str, options: CsvOptions, cache_dir: str) -> str:
    """The name of the decoded copy: a digest of the file's content and of what decides how it is
    read."""
    reading = options.reading()
    # Only what is set enters the digest, so that a new option does not discard the old copies.
    names = ("time", "series", "group", "weight", "delimiter", "dates")
    columns = [(name, getattr(options, name)) for name in names]
    given = [*([reading] if reading != PLAIN else []), *filter(lambda pair: pair[1], columns)]
    try:
        # The content, not the date: a file that is copied or touched keeps its runs.
        content = digest([Path(path).expanduser()])
    except OSError as error:
        raise UserError(
            f"csv:{path}: {error.strerror}; expected a csv file with a header"
        ) from None
    keys = [
        f"csv_{digest([content, options.target, options.impute, task, *given])}"
        for task in ("auto", options.task)
    ]
    # Records store the task that was inferred. Whoever names that task gets the copy that was
    # inferred, and does not read the file again.
    return keys[task_of(f"{keys[0]}-{VERSION}", cache_dir) != options.task]


def read(
    file: Path,
    target: str,
    impute: bool,
    task: str,
    reading: Reading = PLAIN,
    group: str = "",
    weight: str = "",
) -> Table:
    """The file as a table.

    A missing number is NaN. A missing category has no one-hot column set.

    Args:
        file: a csv file with a header.
        target: the column to predict.
        impute: whether missing numbers are allowed, since they are filled later.
        task: the task that the target is read for, or `auto`.
        reading: how the file is written, and the user's choices for its columns.
        group: the column of the rows' groups; "" for none.
        weight: the column of the rows' weights in the training loss; "" for none.
    """
    columns, notes = read_columns(file, reading)
    unlabelled = task == UNLABELLED and not target
    if target not in columns and not unlabelled:
        wrong = (
            f"has no column '{target}'"
            if target
            else "needs --target=COLUMN, the column to predict"
        )
        raise UserError(f"{file} {wrong}; {nearest(target, columns)}{csv_header.hint(columns)}")
    form = reading.form
    for option, named in (("numbers", form.numbers), ("categories", form.categories)):
        for name in named:
            if name not in columns:
                raise UserError(
                    f"{option}={name}: {file} has no such column; {nearest(name, columns)}"
                )
    if reading.dates:
        columns = with_dates(columns, reading.dates, form, (target, group, weight))
    groups = pop_groups(columns, group, target, form)
    weights = pop_weights(columns, weight, target, form)
    units = units_of(columns, form)
    if unlabelled:
        y, classes, of_target = no_target(columns)
    else:
        y, classes, of_target = target_of(columns.pop(target), task, form)
    if not columns:
        raise UserError(f"{file} has no column but the target '{target}'")
    encoded: dict[str, Values] = {}
    origin: list[float] = []
    notes += of_target
    for name in list(columns):
        # Frees the column's texts as soon as they are encoded.
        values = _encoded(columns.pop(name), impute, form)
        narrowed = narrow(values.numbers)
        encoded[name] = values._replace(numbers=narrowed.values)
        origin += [narrowed.origin] * max(1, len(values.categories))
        notes += [*values.notes, *narrowed.notes(f"column '{name}'")]
    answers = None if classes else narrow(y)
    if answers is not None:
        notes += answers.notes(f"the target '{target}'")
    return Table(
        _joined(list(encoded.values())),
        y if answers is None else answers.values,
        classes,
        tuple(
            feature
            for name, values in encoded.items()
            for feature in [f"{name}={category}" for category in values.categories] or [name]
        ),
        notes=tuple(notes),
        origin=tuple(origin) if any(origin) else (),
        target_origin=0.0 if answers is None else answers.origin,
        task=UNLABELLED if unlabelled else "",
        units=units,
        groups=groups,
        weights=weights,
    )


class LikeTable(NamedTuple):
    """Another file as a run's own table.

    x: inputs float32 [N, D]. y: targets [N], None if the file has no target column; `lacks` then
        says so. unread: the columns that are left over. notes: how it was read.
    """

    x: Any
    y: np.ndarray | None
    unread: list[str]
    lacks: str = ""
    notes: Sequence[str] = ()


def read_like(file: Path, spec: DataSpec, options: Mapping[str, Any]) -> LikeTable:
    """Another file with the columns of `spec`, matched by name.

    Args:
        file: the new csv file.
        spec: the facts of the run's own data.
        options: those with which the run's own data was read. Its target is the column `target`
            where no option names one.

    Raises:
        UserError: the run's data is no table, a column is missing, or the run's data does not have
            a category or class of this file; the message names row and column.
    """
    table = spec.inputs.stored
    if not isinstance(table, TableColumns):
        raise UserError(
            f"{file} is a table of columns, and an example of {spec.name} is {table.describe()}"
        )
    reading = Reading.of(options, spec.units)
    with without_flags():
        columns, notes = read_columns(file, reading, nameless=True)
    header = csv_header.hint(columns)
    target = options.get("target", "target")
    if reading.dates:
        columns = with_dates(columns, reading.dates, reading.form, (target,), table.names)
    answer = columns.pop(target, None)
    encoded = []
    origin = iter(table.origin or [0.0] * len(table.names))
    encodings = dict(_encodings(table.names, columns))
    if missing := [name for name in encodings if name not in columns]:
        named = ", ".join(f"'{name}'" for name in missing[:3])
        others = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        columns_named = f"column{'s' * (len(missing) > 1)} {named}{others}"
        raise UserError(
            f"{file} has no {columns_named}, which the run was trained on;"
            f" {nearest(missing[0], columns)}{header}"
        )
    for name, categories in encodings.items():
        values = _like(columns[name], tuple(categories), bool(table.impute), reading.form)
        # The origin is stored per one-hot column; a category takes as many as it has categories.
        subtracted, *_ = itertools.islice(origin, max(1, len(categories)))
        encoded.append(values._replace(numbers=differences(values.numbers, subtracted)))
        notes += values.notes
    names = spec.targets.label_names
    unread = spec.targets.unlabelled and not names
    y = None if answer is None or unread else target_like(answer, names, reading.form)
    if y is not None and answer is not None and not names:
        notes += notes_on(answer, reading.form, y)
        y = spec.targets.differences(y)
    left = [name for name in columns if name not in encodings]
    lacks = ""
    if answer is None and not spec.targets.unlabelled:
        near = f" (did you mean {near[0]}?)" if (near := close(target, left)) else ""
        # No option names the target of a prepared set, so no other name is looked for.
        near = near or ("" if "target" in options else " (call the column of the targets so)")
        lacks = f"{file} has no column '{target}', the target{near}"
    return LikeTable(_joined(encoded), y, left, lacks, notes)


def _joined(encoded: Sequence[Values]) -> Any:
    """The inputs of all columns: an array [N, D] of numbers, or OneHot if one has categories."""
    # Numbers are float32 by now: categories stay one column each until a batch is gathered.
    values = np.stack([column.numbers for column in encoded], axis=1)
    kinds = tuple(len(column.categories) for column in encoded)
    return OneHot(values, kinds) if any(kinds) else values


def _encodings(
    features: Sequence[str], columns: Collection[str]
) -> Iterator[tuple[str, list[str]]]:
    """(column, its categories, or none of a number) from the features that they became:
    `colour=red` is a category."""
    grouped: dict[str, list[str]] = {}
    for feature in features:
        # A name or a category may have an = in it: the columns that are there say which it is.
        cuts = [place for place, letter in enumerate(feature) if letter == "="]
        known = [place for place in cuts if feature[:place] in columns]
        if feature in columns or not cuts:
            grouped[feature] = []
        else:
            cut = (known or cuts)[0]
            grouped.setdefault(feature[:cut], []).append(feature[cut + 1 :])
    yield from grouped.items()


def _encoded(column: CsvColumn, impute: bool, form: Format) -> Values:
    values = values_of(column, form)
    if not impute:
        check_complete(
            column, values.numbers, "fill it in or set --impute=mean, median or most_frequent"
        )
    check_one_hot(column, values, form)
    return values


def _like(column: CsvColumn, categories: tuple[str, ...], impute: bool, form: Format) -> Values:
    """The column's numbers, or the places of its cells among known categories."""
    numbers = like(column, categories, form)
    if not impute:
        check_complete(column, numbers, "fill it in, since the run was trained without --impute")
    return Values(numbers, categories, () if categories else notes_on(column, form, numbers))


DATASETS.add_family(
    "csv:",
    example=Entry(
        "csv:FILE",
        open_csv,
        "a csv file with a header; the target is one of its columns",
        options=options_of(CsvOptions),
    ),
)
