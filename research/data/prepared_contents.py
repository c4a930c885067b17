"""The contents of a prepared TFDS directory: its splits, its input and its target."""

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from research.data.feature_decoders import FeatureDecoder, check_target, described, input_decoder
from research.data.images import Flaw
from research.errors import UserError

SPLITS = ("train", "validation", "test")
# Examples that a worker reads at once.
_CHUNK = 64


@dataclasses.dataclass(frozen=True)
class Contents:
    """The examples of a prepared set, in their order, readable from several threads.

    sources: of the splits that are read. met: file formats of the images that were read so far, and
        `alpha`. unlabelled: the splits without labels, which are left out, and their sizes.
    """

    directory: Path
    info: Any
    splits: list[str]
    sources: list[Any]
    input: str
    target: str
    decoder: FeatureDecoder
    met: set[str]
    unlabelled: dict[str, int]

    def where(self, row: int) -> str:
        """Where a row of all splits is read from."""
        place = 0
        while row >= len(self.sources[place]):
            row -= len(self.sources[place])
            place += 1
        return f"row {row} of its split '{self.splits[place]}' (the first is 0)"

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


@contextlib.contextmanager
def readable(directory: Path) -> Iterator[None]:
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


def contents_of(builder: Any, directory: Path) -> Contents:
    """What a prepared set has for a table: an input and a target in splits with labels.

    Args:
        builder: TFDS's builder of the directory.
        directory: the prepared set.

    Raises:
        UserError: there is no such input or target, no split `train`, or no example.
    """
    import tensorflow_datasets as tfds

    info = builder.info
    inputs, target = _supervised(info, directory)
    splits = [split for split in SPLITS if split in info.splits]
    if "train" not in splits:
        raise UserError(
            f"{directory} has no split 'train'; it has {', '.join(info.splits) or 'none'}"
        )
    check_target(info.features[target], target, directory)
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
    labelled, unlabelled = _labelled(dict(zip(splits, sources, strict=True)), target, info)
    splits, sources = [*labelled], [*labelled.values()]
    return Contents(directory, info, splits, sources, inputs, target, decoder, met, unlabelled)


def _labelled(
    sources: dict[str, Any], target: str, info: Any
) -> tuple[dict[str, Any], dict[str, int]]:
    """The splits with labels, and the sizes of those without any, which are left out: all their
    labels are -1, but not those of all splits."""
    feature = info.features[target]
    if feature.shape or not np.issubdtype(feature.np_dtype, np.integer):
        return sources, {}
    bare = {split for split, source in sources.items() if _without_labels(source, target)}
    if len(bare) == len(sources):
        return sources, {}
    # Rows of label -1 would be scored as wrong for every network.
    unlabelled = {split: len(sources[split]) for split in sources if split in bare}
    return {split: source for split, source in sources.items() if split not in bare}, unlabelled


def _without_labels(source: Any, target: str) -> bool:
    """Whether no example has a label, as in the test split of a competition."""
    rows = range(len(source))
    pieces = (rows[first : first + _CHUNK] for first in rows[::_CHUNK])
    return len(source) > 0 and all(
        example[target] == -1 for piece in pieces for example in source.__getitems__(list(piece))
    )


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
            key
            for key, kind in kinds.items()
            if isinstance(kind, wanted)
            and key not in labels
            and not isinstance(kind, tfds.features.Text)
        ]
        if len(inputs) == len(labels) == 1:
            return inputs[0], labels[0]
    listed = ", ".join(f"{key} ({type(kind).__name__})" for key, kind in sorted(kinds.items()))
    raise UserError(
        f"{directory} declares no input and target, and its features do not tell which they are:"
        f" {listed or described(info.features)}; expected supervised_keys, or one image or"
        " tensor and one ClassLabel"
    )
