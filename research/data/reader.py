"""Reading a prepared TFDS directory, whatever made it, as a Table: an image, a tensor or columns,
and a label."""

import contextlib
import dataclasses
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from research.data import labels, remarks
from research.data.data_table import Table
from research.data.feature_decoders import FeatureDecoder, classes_of, is_rounded
from research.data.garbled import garbled
from research.data.lookalikes import lookalikes
from research.data.narrowed import narrowed, write_header
from research.data.one_hot import OneHot
from research.data.prefetcher import DECODERS, Prefetcher
from research.data.prepared_contents import Contents, contents_of, readable
from research.data.progress_bar import progress
from research.errors import UserError

# Raised when the same files are read as other arrays.
VERSION = 4
_WITHOUT_VALUE = "if it means a missing value, write NaN in the set and give --impute=median"
# Their originals are lossless, so a JPEG is a copy with other pixels.
_LOSSLESS = {
    "mnist",
    "fashion_mnist",
    "kmnist",
    "emnist",
    "cifar10",
    "cifar100",
    "svhn_cropped",
    "stl10",
}
_COPIES = (
    "{}: its images are JPEG copies of lossless originals, so absolute accuracies differ from"
    " published ones; differences between rows are comparable"
)


def read(directory: Path, file: Path) -> Table:
    """The rows of train and validation, then those of test; other splits are not read.

    file: where x is written as .npy while it is read; the table's x is that file, memory-mapped. So
        memory does not grow with the set. Raises UserError if the directory is damaged, or has no
        input of one shape with a label, and OSError if the file cannot be written.
    """
    import tensorflow_datasets as tfds

    # TFDS prints a banner where TensorFlow is missing; the error says it in a line.
    with readable(directory), contextlib.redirect_stderr(io.StringIO()):
        builder = tfds.builder_from_directory(str(directory))
    with readable(directory):
        contents = contents_of(builder, directory)
    target = contents.info.features[contents.target]
    y = np.empty((sum(map(len, contents.sources)), *target.shape), target.np_dtype)
    with file.open("wb") as out:
        # Written, not mapped: a full disk is then an error, and not a signal that ends the process.
        for first, values, targets in _batches(contents, directory, len(y)):
            if first == 0:
                write_header(out, (len(y), *values.shape[1:]), values.dtype)
            out.write(values.data)
            y[first : first + len(values)] = targets
    # Mapped, so that a set may be larger than memory.
    x = np.load(file, mmap_mode="r")
    return _one_hot(narrowed(_table(contents, directory, x, y), file), contents.decoder)


def _table(contents: Contents, directory: Path, x: np.ndarray, y: np.ndarray) -> Table:
    """The table of the decoded inputs x [N, ...] as they are stored, and the targets y [N, ...]."""
    metadata = contents.info.metadata or {}
    name = contents.info.name
    notes = [*metadata.get("notes", ())]
    target = contents.info.features[contents.target]
    _check_targets(contents, y)
    classes = tuple(metadata.get("classes", ())) or classes_of(target, y.dtype)
    # What a builder of this package wrote is the quantity that it was meant to be.
    ours = "maximum" in metadata
    numbered = not classes and y.ndim == 1 and not ours
    if numbered:
        labelled = labels.labels_of(y)
        numbered = labels.are_classes(labelled)
        notes += filter(None, [labels.note(contents.target, labelled, numbered)])
        y, classes = (labelled.places, labels.names(labelled)) if numbered else (y, ())
    if not ours:
        notes += _notes_on_numbers(contents, x)
        notes += _notes_on_names(contents, classes)
        notes += (
            [] if classes or y.ndim > 1 else remarks.of_numbers(contents.target, y, _WITHOUT_VALUE)
        )
    return Table(
        x=x,
        y=y.astype(np.int32) if classes else y,
        classes=classes,
        features=tuple(metadata.get("columns", contents.decoder.columns)),
        test_size=len(contents.sources[-1]) if contents.splits[-1] == "test" else 0,
        maximum=float(metadata.get("maximum", 255 if x.dtype == np.uint8 else 1)),
        vocabulary=tuple(metadata.get("vocabulary", ())),
        task=metadata.get("task", ""),
        source=int(metadata.get("source", 0)),
        origin=tuple(metadata.get("origin", ())),
        target_origin=float(metadata.get("target_origin", 0)),
        end=str(metadata.get("end", "")),
        note=_COPIES.format(name) if name in _LOSSLESS and "JPEG" in contents.met else "",
        notes=(*notes, *_notes(contents)),
        numbered=numbered,
    )


def _check_targets(contents: Contents, y: np.ndarray) -> None:
    """Raises UserError if an example has no target, or a number for each class."""
    import tensorflow_datasets as tfds

    target = contents.target
    declared = contents.info.features[target]
    if isinstance(declared, tfds.features.ClassLabel) and (y < 0).any():
        first = contents.where(int((y < 0).argmax()))
        raise UserError(
            f"{contents.directory}: {np.sum(y < 0)} of its {len(y)} examples have no label (-1);"
            f" the first is in {first}; leave them out of the set. A split without any label is"
            " left out as a whole"
        )
    if y.dtype.kind == "f" and y.ndim == 1 and np.isnan(y).any():
        row = contents.where(int(np.isnan(y).argmax()))
        raise UserError(f"{contents.directory}: its target '{target}' has no value in {row}")
    if y.ndim == 2 and labels.are_one_hot(y) and "task" not in (contents.info.metadata or {}):
        raise UserError(
            f"{contents.directory}: its target '{target}' is one-hot, {y.shape[1]} numbers in each"
            " example; expected a ClassLabel, or one number, such as the place of the 1"
        )


def _one_hot(table: Table, decoder: FeatureDecoder) -> Table:
    """The table with its categories read one-hot from the indices that are stored."""
    if not decoder.kinds:
        return table
    x = OneHot(np.asarray(table.x), decoder.kinds)
    # An origin belongs to a stored column, and a category has none: 0 for each of its columns.
    widths = np.maximum(decoder.kinds, 1)
    origin = tuple(np.repeat(table.origin, widths).tolist()) if table.origin else ()
    return dataclasses.replace(table, x=x, features=decoder.features, origin=origin)


def _notes_on_numbers(contents: Contents, x: np.ndarray) -> Iterator[str]:
    """What a set that TFDS wrote may have lost, and numbers of its columns that may mean none."""
    declared = contents.info.features[contents.target]
    rounded = [*contents.decoder.rounded, *([contents.target] if is_rounded(declared) else [])]
    if rounded:
        names = ", ".join(f"'{name}'" for name in rounded[:3]) + ", ..." * (len(rounded) > 3)
        yield (
            f"declared as float64 and stored as float32, as TFDS does without encoding='bytes':"
            f" {names}"
        )
    if x.ndim != 2 or not contents.decoder.columns:
        return
    kinds = contents.decoder.kinds or (0,) * x.shape[1]
    for index, name in enumerate(contents.decoder.columns):
        column = np.asarray(x[:, index])
        if kinds[index]:
            without = int((column < 0).sum())
            if without:
                yield f"column '{name}' has no category in {without} of {len(x)} rows (-1)"
            continue
        yield from remarks.of_numbers(name, column, _WITHOUT_VALUE)


def _notes_on_names(contents: Contents, classes: Sequence[str]) -> Iterator[str]:
    """Notes on names of classes and categories that look alike, or that are garbled."""
    categories = contents.decoder.categories or ((),) * len(contents.decoder.columns)
    kinds = {
        f"column '{name}'": names
        for name, names in zip(contents.decoder.columns, categories, strict=True)
    }
    for what, names in {"its classes": classes, **kinds}.items():
        yield from lookalikes(names, what)
        yield from garbled(names, what)


def _notes(contents: Contents) -> Iterator[str]:
    """What a reader of a table made of these examples must know."""
    for split, size in contents.unlabelled.items():
        others = "; the test rows are drawn from the others, as --split says"
        yield (
            f"its split '{split}' has no labels (all {size:,} are -1) and is left out"
            f"{others if split == 'test' else ''}"
        )
    if unread := sorted({*contents.info.splits} - {*contents.splits, *contents.unlabelled}):
        listed = ", ".join(f"'{split}'" for split in unread)
        yield (
            f"it has splits that are not read: {listed}; those that are read are called train,"
            " validation and test"
        )
    if "alpha" in contents.met:
        yield "some of its images have an alpha channel; what is transparent in them is white"
    for split, source in zip(contents.splits, contents.sources, strict=True):
        if split == "validation":
            yield (
                f"its split 'validation' ({len(source):,} rows) joins the training rows, from which"
                " --split draws the validation rows"
            )


def _batches(
    contents: Contents, directory: Path, size: int
) -> Iterator[tuple[int, np.ndarray, list[Any]]]:
    """(number of the first row, inputs [n, ...], their targets), decoded ahead by Grain's
    workers."""
    pieces = contents.pieces()
    first = 0
    shape = None
    dtype = None
    with (
        readable(directory),
        Prefetcher(
            lambda number: contents.read(pieces[number]), len(pieces), threads=DECODERS
        ) as read,
        progress(size, f"decoding {contents.info.name}", "row") as bar,
    ):
        for examples in read:
            if shape is None:
                shape, dtype = examples[0][0].shape, examples[0][0].dtype
            for row, (value, _) in enumerate(examples, first):
                if value.shape != shape:
                    raise UserError(
                        f"{directory}: example {row} has shape {value.shape}, those before it"
                        f" {shape}"
                    )
            yield (
                first,
                np.stack([value for value, _ in examples]).astype(dtype),
                [target for _, target in examples],
            )
            first += len(examples)
            bar.update(len(examples))
