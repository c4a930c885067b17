"""The examples that launch.evaluate measures a run on: a split of its data, or a file like it."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from launch.cli.saved_run import (
    SavedRun,
    TrainingData,
    load_run,
    load_run_with_data,
    training_data,
)
from research.data import csv_file, csv_series, image_folder, text
from research.data.far_values import far_values
from research.data.features.feature import PADDING
from research.data.features.image import Image
from research.data.features.named_arrays import take
from research.data.features.named_inputs import NamedInputs
from research.data.features.numbers import Numbers
from research.data.features.prepared_table import PreparedTable
from research.data.features.reduced import Reduced
from research.data.features.table_columns import TableColumns
from research.data.image_files import text_of
from research.data.one_hot import OneHot
from research.data.repeats import copied
from research.data.scaling import CURVED
from research.data.windows import Windows
from research.errors import UserError
from research.training.engine.host_fit import trained_labels

SPLITS = ("test", "validation", "train")


@dataclasses.dataclass(frozen=True)
class Examples:
    """Rows [R] of raw inputs x [N, ...], with what each is called; y [R], a dict of several
    targets, or None if it is not known.

    unread: columns of a file that the run has no use for. notes: how the file was read, where there
        was a choice. lacks: why y is not known. clean: labels before label noise, where y are
        those after it.
    """

    names: list[str]
    x: Any
    rows: np.ndarray
    y: Any
    unread: Sequence[str] = ()
    notes: Sequence[str] = ()
    lacks: str = ""
    clean: Any = None

    def size(self) -> str:
        """How much is evaluated: rows, or of windows how many targets they have."""
        if not isinstance(self.x, Windows):
            return f"{len(self.rows):,} row{'s' * (len(self.rows) != 1)}"
        assert self.y is not None
        there = self.y != PADDING if self.y.dtype.kind == "i" else ~np.isnan(self.y)
        return f"{int(there.sum()):,} targets in {len(self.rows):,} windows"


def chosen(split: str) -> tuple[SavedRun, Examples]:
    """The run that the flags name, and the examples of a split or a file.

    Raises UserError if one of them is not there, or if they do not go together.
    """
    if split not in SPLITS:
        saved = load_run()
        examples = _of_file(saved, split)
        notes = [*examples.notes, *_trained_on(saved, examples)]
        return saved, dataclasses.replace(examples, notes=notes)
    saved, data = load_run_with_data()
    return saved, _of_split(saved, data, split)


def _of_split(saved: SavedRun, data: TrainingData, split: str) -> Examples:
    """Rows of the run's own data."""
    rows = np.asarray(getattr(saved.lane, split))
    rows = rows[rows >= 0]  # a smaller fold is padded with -1
    if not len(rows):
        raise UserError(f"the run has no {split} rows: its split is {saved.run.config.split}")
    names = [data.names[row] for row in rows] if data.names else [str(row) for row in rows]
    y = take(data.arrays.y, rows)
    if split != "train" or not saved.run.config.label_noise:
        return Examples(names, data.arrays.x, rows, y)
    trained = trained_labels(saved.run.program, saved.lane, data.arrays.y)[rows]
    return Examples(names, data.arrays.x, rows, trained, clean=y)


def _of_file(saved: SavedRun, split: str) -> Examples:
    """The examples of a file or a folder. Raises UserError if they are not like those that the run
    was trained on."""
    kind, _, path = split.partition(":")
    spec, options = saved.spec, dict(saved.run.config.dataset.options)
    inputs = spec.inputs.stored
    images = isinstance(inputs, Image)
    if kind not in ("csv", "folder", "text") or not path:
        raise UserError(
            f"split={split}: expected {', '.join(SPLITS)}, csv:FILE, folder:DIR or text:FILE"
        )
    is_text = bool(spec.windows and inputs.tokens)
    if is_text != (kind == "text"):
        raise UserError(
            f"split={split}: {spec.name} {'is a text; give text:FILE' if is_text else 'is no text'}"
        )
    if spec.windows:
        file = Path(path).expanduser()
        notes: Sequence[str] = ()
        if is_text:
            windows, starts, following = text.read_like(file, spec)
        else:
            windows, starts, following, notes = csv_series.series_like(file, spec, options)
            notes = [*notes, *_far(saved, windows.values[:, None])]
        return Examples([str(row) for row in starts], windows, starts, following, notes=notes)
    if images != (kind == "folder"):
        wanted = "images: give folder:DIR" if images else "a table: give csv:FILE"
        raise UserError(f"split={split}: the run was trained on {wanted}")
    if not images and not (isinstance(inputs, TableColumns) and inputs.names):
        raise UserError(
            f"split={split}: {spec.name} is not a table of columns; give one of {', '.join(SPLITS)}"
        )
    if not isinstance(inputs, Image):
        table = csv_file.read_like(Path(path).expanduser(), spec, options)
        rows = np.arange(len(table.x))
        notes = [*table.notes, *_far(saved, table.x), *_far_targets(saved, table.y)]
        return Examples(
            list(map(str, rows)), table.x, rows, table.y, table.unread, notes, table.lacks
        )
    if inputs.maximum != 255:
        raise UserError(
            f"split={split}: the run's pixels range up to {inputs.maximum:g}, those of image files"
            " up to 255"
        )
    resize = bool(options.get("size"))
    background = options.get("background", "white")
    x, y, files, notes = image_folder.read_like(Path(path).expanduser(), spec, resize, background)
    names = [text_of(file) for file in files]
    lacks = f"{path} has no folders of classes" if y is None and not spec.targets.unlabelled else ""
    return Examples(names, x, np.arange(len(x)), y, notes=notes, lacks=lacks)


def _far_targets(saved: SavedRun, y: np.ndarray | None) -> Iterator[str]:
    """As _far, of targets that are numbers, [N]."""
    targets = saved.spec.targets
    if y is None or targets.classes or saved.run.config.target_scaling == "none":
        return
    name = dict(saved.run.config.dataset.options).get("target", "target")
    shift, scale = (
        np.atleast_1d(np.asarray(part))
        for part in (saved.lane.target_shift, saved.lane.target_scale)
    )
    yield from far_values(y[:, None], [name], shift, scale, targets.restored(np.zeros(1)))


def _trained_on(saved: SavedRun, examples: Examples) -> Iterator[str]:
    """A note on new examples that the run was trained on; none where its own data is gone.

    Args:
        saved: the run.
        examples: the new examples.
    """
    # New data can be evaluated without the run's own, so nothing is said without it.
    with contextlib.suppress(UserError):
        rows, data = training_data(saved)
        arrays, given = ([_stored(x)] for x in (data.arrays.x, examples.x))
        images = isinstance(saved.spec.inputs.stored, Image)
        # Rows of few categories are equal by chance, so their targets are compared too.
        if isinstance(examples.y, np.ndarray) and not (images or saved.spec.windows):
            arrays.append(data.arrays.y)
            given.append(examples.y.astype(data.arrays.y.dtype))
        places, twins = copied(arrays, rows, given, examples.rows)
        if len(places):
            noun = "windows" if saved.spec.windows else "images" if images else "rows"
            name = examples.names[places[0]] if images else f"row {places[0]}"
            twin = data.names[twins[0]] if data.names else f"row {twins[0]}"
            trained = "run" if saved.ensemble is None else "ensemble"
            count = f"{len(places):,} of the {len(examples.rows):,} {noun}"
            yield (
                f"the {trained} was trained on {count} (the first: {name} is {twin} of"
                f" {saved.spec.name}); metrics on these say nothing about new data"
            )


def _stored(x: Any) -> Any:
    return x.values if isinstance(x, OneHot) else x


def _far(saved: SavedRun, x: Any) -> Iterator[str]:
    """Notes on numbers of new data [N, C] that are far from the training rows', where a fitted
    scaling tells where those are."""
    # After a curve no shift and scale say where the training rows are.
    if saved.run.config.scaling in ("none", *CURVED):
        return
    inputs = saved.spec.inputs.stored.as_a(Numbers)
    names = inputs.names or (dict(saved.run.config.dataset.options).get("target", "y"),)
    places = np.arange(len(names))
    if isinstance(x, OneHot):
        numbers = [place for place, kind in enumerate(x.kinds) if not kind]
        x, places = x.values[:, numbers], x.starts[numbers]
    taken = saved.run.program.spec.inputs
    fitted = (saved.lane.shift, saved.lane.scale)
    if isinstance(taken, Reduced):
        fitted = tuple(part["scaling"] for part in fitted)
        taken = taken.of
    if isinstance(taken, NamedInputs):
        # Where categories are an input of their own, numbers are the other one, if there are any.
        name = next((name for name, part in taken.parts.items() if isinstance(part, Numbers)), None)
        if name is None:
            return
        shift, scale = (np.asarray(part[name]) for part in fitted)
    else:
        # The numbers of a prepared table come first.
        first = np.arange(x.shape[1]) if isinstance(taken, PreparedTable) else places
        shift, scale = (np.atleast_1d(np.asarray(part))[first] for part in fitted)
    origin = np.array(inputs.origin or [0.0] * len(names))[places]
    yield from far_values(x, [names[place] for place in places], shift, scale, origin)
