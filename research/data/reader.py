"""Reading a prepared TFDS directory, whatever made it, as a Table: an image, a tensor or columns,
and a label."""

import contextlib
import dataclasses
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from research.data import labels
from research.data.data_table import Table
from research.data.feature_decoders import (
    FeatureDecoder,
    check_target,
    classes_of,
    described,
    input_decoder,
    is_rounded,
)
from research.data.images import Flaw
from research.data.narrowed import narrowed, write_header
from research.data.one_hot import OneHot
from research.data.prefetcher import DECODERS, Prefetcher
from research.data.progress_bar import progress
from research.data.sentinels import sentinels
from research.errors import UserError

# Raised when the same files are read as other arrays.
VERSION = 3
SPLITS = ("train", "validation", "test")
# Examples that a worker reads at once.
_CHUNK = 64
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


@dataclasses.dataclass(frozen=True)
class Contents:
    """The examples of a prepared set, in their order, readable from several threads.

    sources: of the splits that are read. met: file formats of the images that were read so far, and
        `alpha`.
    """

    directory: Path

    info: Any
    splits: list[str]
    sources: list[Any]
    input: str
    target: str
    decoder: FeatureDecoder
    met: set[str]
    unlabelled: int

    def pieces(self) -> list[tuple[int, range]]:
        """Rows of a split, by its place among the splits, that are read at once."""
        rows = [(place, range(len(source))) for place, source in enumerate(self.sources)]
        return [
            (place, of_split[first : first + _CHUNK])
            for place, of_split in rows
            for first in of_split[::_CHUNK]
        ]

    def read(self, piece: tuple[int, range]) -> list[tuple[np.ndarray, Any]]:
        """The decoded inputs of a piece's rows and their targets. Raises UserError for an image
        that is refused."""
        place, rows = piece
        examples = []
        for row, example in zip(rows, self.sources[place].__getitems__(list(rows)), strict=True):
            try:
                examples.append((self.decoder.decode(example[self.input]), example[self.target]))
            except Flaw as flaw:
                raise UserError(
                    f"{self.directory}: image {row} of its split '{self.splits[place]}' {flaw}"
                ) from None
        return examples


def read(directory: Path, file: Path) -> Table:
    """The rows of train and validation, then those of test; other splits are not read.

    file: where x is written as .npy while it is read; the table's x is that file, memory-mapped. So
        memory does not grow with the set. Raises UserError if the directory is damaged, or has no
        input of one shape with a label, and OSError if the file cannot be written.
    """
    import tensorflow_datasets as tfds

    # TFDS prints a banner where TensorFlow is missing; the error says it in a line.
    with _readable(directory), contextlib.redirect_stderr(io.StringIO()):
        builder = tfds.builder_from_directory(str(directory))
    with _readable(directory):
        contents = _contents(builder, directory)
    target = contents.info.features[contents.target]
    check_target(target, contents.target, directory)
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
    classes = tuple(metadata.get("classes", ())) or classes_of(target, y, directory)
    if y.dtype.kind == "f" and y.ndim == 1 and np.isnan(y).any():
        raise UserError(
            f"{directory}: its target '{contents.target}' has no value in row"
            f" {np.isnan(y).argmax()}"
        )
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
        for sentinel in sentinels(column):
            remedy = "if it means a missing value, write NaN in the set and give --impute=median"
            yield sentinel.note(name, len(x), remedy)


def _notes(contents: Contents) -> Iterator[str]:
    """What a reader of a table made of these examples must know."""
    if contents.unlabelled:
        yield (
            f"its split 'test' has no labels (all {contents.unlabelled:,} are -1) and is left out;"
            " the test rows are drawn from the others, as --split says"
        )
    if "alpha" in contents.met:
        yield "some of its images have an alpha channel; what is transparent in them is white"
    for split, source in zip(contents.splits, contents.sources, strict=True):
        if split == "validation":
            yield (
                f"its split 'validation' ({len(source):,} rows) joins the training rows, from which"
                " --split draws the validation rows"
            )


@contextlib.contextmanager
def _readable(directory: Path) -> Iterator[None]:
    """Whatever TFDS and the decoders make of a damaged directory, as one line."""
    from google.protobuf.json_format import ParseError

    try:
        yield
    except ModuleNotFoundError as error:
        # Some features, such as videos, need TensorFlow even to be inspected.
        kinds = _declared(directory)
        named = f" ({kinds})" if kinds else ""
        raise UserError(
            f"{directory} has a feature{named} that needs {error.name}, which is not installed;"
            " expected images, tensors of numbers or columns, with a ClassLabel or a number"
        ) from None
    except (OSError, ValueError, RuntimeError, KeyError, ParseError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"the prepared data set in {directory} cannot be read: {reason}") from None


def _declared(directory: Path) -> str:
    """The features that a prepared set declares, as `name: kind`, read without TFDS."""
    with contextlib.suppress(OSError, ValueError, KeyError, AttributeError):
        declared = json.loads((directory / "features.json").read_text())
        features = declared["featuresDict"]["features"]
        kinds = {name: entry["pythonClassName"] for name, entry in features.items()}
        return ", ".join(f"{name}: {kind.split('.')[-1]}" for name, kind in sorted(kinds.items()))
    return ""


def _contents(builder: Any, directory: Path) -> Contents:
    import tensorflow_datasets as tfds

    info = builder.info
    inputs, target = _supervised(info, directory)
    splits = [split for split in SPLITS if split in info.splits]
    if "train" not in splits:
        raise UserError(
            f"{directory} has no split 'train'; it has {', '.join(info.splits) or 'none'}"
        )
    met: set[str] = set()
    decoder = FeatureDecoder(np.asarray)
    # Tokens or bytes that a builder of this package wrote are as they are.
    if "maximum" not in (info.metadata or {}) or not np.issubdtype(
        info.features[inputs].np_dtype, np.integer
    ):
        decoder = input_decoder(info.features[inputs], inputs, directory, met)
    skipped = (
        {inputs: tfds.decode.SkipDecoding()}
        if isinstance(info.features[inputs], tfds.features.Image)
        else None
    )
    sources = [builder.as_data_source(split, decoders=skipped) for split in splits]
    if not any(map(len, sources)):
        raise UserError(f"{directory} has no examples")
    unlabelled = 0
    if splits[-1] == "test" and isinstance(info.features[target], tfds.features.ClassLabel):
        unlabelled = len(sources[-1]) if _without_labels(sources[-1], target) else 0
    if unlabelled:
        # Rows of label -1 would be scored as wrong for every network.
        splits.pop()
        sources.pop()
    return Contents(directory, info, splits, sources, inputs, target, decoder, met, unlabelled)


def _without_labels(source: Any, target: str) -> bool:
    """Whether no example has a label, as in the test split of a competition."""
    rows = range(len(source))
    pieces = (rows[first : first + _CHUNK] for first in rows[::_CHUNK])
    return all(
        example[target] < 0 for piece in pieces for example in source.__getitems__(list(piece))
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
        _readable(directory),
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


def _supervised(info: Any, directory: Path) -> tuple[str, str]:
    """The names of the input and of the target: as the set declares them, else the only ones they
    can be."""
    import tensorflow_datasets as tfds

    declared = info.supervised_keys
    if declared and all(isinstance(key, str) for key in declared):
        return declared[0], declared[1]
    kinds = (
        dict(info.features.items()) if isinstance(info.features, tfds.features.FeaturesDict) else {}
    )
    labels = [key for key, kind in kinds.items() if isinstance(kind, tfds.features.ClassLabel)]
    for wanted in (tfds.features.Image, tfds.features.Tensor):
        inputs = [
            key for key, kind in kinds.items() if isinstance(kind, wanted) and key not in labels
        ]
        if len(inputs) == len(labels) == 1:
            return inputs[0], labels[0]
    listed = ", ".join(f"{key} ({type(kind).__name__})" for key, kind in sorted(kinds.items()))
    raise UserError(
        f"{directory} declares no input and target, and its features do not tell which they are:"
        f" {listed or described(info.features)}; expected supervised_keys, or one image or"
        " tensor and one ClassLabel"
    )
