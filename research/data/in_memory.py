"""Data sets in memory: small generated ones, on which any network can be tried without files."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from research.data.csv_groups import counts_of
from research.data.features.feature import PADDING
from research.data.features.image import Image
from research.data.features.label import Label
from research.data.features.mask import Mask
from research.data.features.table_columns import TableColumns
from research.data.features.token_sequence import TokenSequence
from research.data.one_hot import OneHot
from research.data.spec import Arrays, DataSpec, spec_of

CLASSES = 3


@dataclasses.dataclass(frozen=True)
class InMemorySource:
    """A source that is already there."""

    spec: DataSpec
    data: Arrays
    names: Sequence[str] = ()

    def arrays(self) -> Arrays:
        """The arrays as they were given."""
        return self.data


def images(
    side: int = 6, channels: int = 1, rows: int = 60, classes: int = CLASSES
) -> InMemorySource:
    """Random images [side, side, channels] whose class is the position of a bright stripe.

    Args:
        side: rows and columns.
        channels: 1 for grey, 3 for colour.
        rows: number of images.
        classes: number of classes, at most half the side.
    """
    generator = np.random.default_rng(0)
    y = np.arange(rows, dtype=np.int32) % classes
    # At most 159 + 90 = 249: the stripe cannot overflow the uint8 of the pixels.
    x = generator.integers(0, 160, (rows, side, side, channels))
    x[np.arange(rows), 2 * y] += 90
    return _memory(
        "classification", x.astype(np.uint8), y, tuple(str(k) for k in range(classes)), 255.0
    )


def masks(side: int = 8, rows: int = 60) -> InMemorySource:
    """Random images [side, side, 1] with a bright block, a class of its own; a row of pixels is not
    counted."""
    # A fixed seed: tests compare these rows with values by hand.
    generator = np.random.default_rng(3)
    x = generator.integers(0, 120, (rows, side, side, 1))
    y = np.zeros((rows, side, side), np.int32)
    for image, mask in zip(x, y, strict=True):
        top, left = generator.integers(0, side // 2, 2)
        image[top : top + 3, left : left + 3] += 100
        mask[top : top + 3, left : left + 3] = 1
    y[:, -1] = PADDING
    of_images = _memory("segmentation", x.astype(np.uint8), y, ("ground", "block"), 255.0)
    targets = Mask((side, side), names=of_images.spec.targets.classes)
    return InMemorySource(dataclasses.replace(of_images.spec, targets=targets), of_images.data)


def table(rows: int = 60, features: int = 4) -> InMemorySource:
    """A regression's table, linear but for some noise."""
    generator = np.random.default_rng(1)
    x = generator.normal(size=(rows, features)).astype(np.float32)
    y = (x @ np.linspace(-1, 1, features) + 0.1 * generator.normal(size=rows)).astype(np.float32)
    return _memory("regression", x, y, (), 1.0)


def grouped(source: InMemorySource, size: int = 4) -> InMemorySource:
    """The source with groups of rows, the first of so many rows and each next one a row larger.

    Args:
        source: without groups.
        size: rows of the first group.
    """
    starts = np.cumsum(np.arange(size, source.spec.size))
    groups = np.searchsorted(starts, np.arange(source.spec.size), side="right").astype(np.int32)
    counts = counts_of(groups, source.data.y, source.spec.targets.classes)
    spec = dataclasses.replace(source.spec, group_counts=counts)
    return InMemorySource(spec, source.data._replace(groups=groups))


def categories(rows: int = 60, numbers: int = 2, count: int = 3) -> InMemorySource:
    """A regression's table of numbers and two columns of categories.

    Args:
        rows: number of rows.
        numbers: columns of numbers.
        count: categories of each of the two columns.
    """
    generator = np.random.default_rng(4)
    kinds = (*[0] * numbers, count, count)
    values = generator.normal(size=(rows, numbers + 2)).astype(np.float32)
    values[:, numbers:] = generator.integers(0, count, (rows, 2))
    y = values.sum(axis=1)
    x = OneHot(values, kinds)
    plain = _memory("regression", x, y, (), 1.0)
    columns = [f"x{column}" for column in range(numbers)]
    coded = [f"{name}={place}" for name in "ab" for place in range(count)]
    inputs = TableColumns(x.shape[1:], (*columns, *coded), categories=kinds)
    return InMemorySource(dataclasses.replace(plain.spec, inputs=inputs), plain.data)


def series(of: InMemorySource) -> InMemorySource:
    """Images [H, W, C] as series [H, W·C] of their rows, of the same classes."""
    x = of.data.x.reshape(*of.data.x.shape[:2], -1).astype(np.float32)
    return _memory(
        "classification", x, of.data.y, of.spec.targets.classes, of.spec.inputs.as_a(Image).maximum
    )


def text(steps: int = 6, rows: int = 60, symbols: int = 5) -> InMemorySource:
    """Sequences of tokens [steps]; the target at each step is the next token. Some end early.

    To an encoder-decoder the first two tokens are the source.

    Args:
        steps: tokens of a sequence.
        rows: number of sequences.
        symbols: size of the vocabulary.
    """
    generator = np.random.default_rng(2)
    tokens = (
        np.cumsum(generator.integers(1, 3, (rows, steps + 1)), axis=1).astype(np.int32) % symbols
    )
    tokens[np.arange(steps + 1) >= generator.integers(3, steps + 2, rows)[:, None]] = PADDING
    names = tuple("abcdefghijklmnopqrstuvwxyz"[:symbols])
    of_images = _memory("step_classification", tokens[:, :-1], tokens[:, 1:].copy(), names, 1.0)
    spec = dataclasses.replace(
        of_images.spec,
        inputs=TokenSequence((steps,), names, source=2),
        targets=Label((steps,), names=names),
    )
    return InMemorySource(spec, of_images.data)


@functools.cache
def made_up() -> tuple[InMemorySource, ...]:
    """What a network is tried on, the first that it takes: tokens, masks, images of growing size,
    tables of numbers and with categories."""
    return (
        text(),
        masks(),
        *(images(side) for side in (6, 12, 32)),
        table(),
        categories(),
    )


def _memory(
    task: Any, x: Any, y: np.ndarray, classes: tuple[str, ...], maximum: float
) -> InMemorySource:
    features = () if x.ndim > 2 else tuple(f"x{i}" for i in range(x.shape[1]))
    spec = spec_of(
        {
            "name": "memory",
            "task": task,
            "shape": x.shape[1:],
            "classes": classes,
            "features": features,
            "maximum": maximum,
            "size": len(x),
            "test_size": 0,
            "fingerprint": f"memory-{task}",
        }
    )
    return InMemorySource(spec, Arrays(x, y, np.zeros(0, np.int32)))
