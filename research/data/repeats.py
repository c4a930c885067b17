"""Examples that a data set has more than once, where that makes its scores look better, or its
classes unclear."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

# Rows are compared in pieces of about this many bytes.
_PIECE = 1 << 20


def repeats(
    x: Any, y: np.ndarray, test_size: int, name_of: Callable[[int], str], copies: bool = True
) -> Iterator[str]:
    """Notes on examples that are in both training and test, and on images with two classes.

    Args:
        x: inputs [N, ...]. Images, uint8 [N, H, W, C], are compared without their targets, rows of
            tables with them.
        y: targets [N, ...].
        test_size: how many of the last rows are the set's own test split.
        name_of: what a row is called.
        copies: whether examples that repeat others are reported.
    """
    images = x.dtype == np.uint8 and x.ndim == 4
    noun = "images" if images else "rows"
    digests = _digests(x) if images else _digests(x, y)
    training = digests[: len(digests) - test_size]
    test = digests[len(training) :]
    leaked = np.flatnonzero(np.isin(test, training))
    if copies:
        yield from _copies(digests, noun, name_of)
    if len(leaked):
        row = len(training) + int(leaked[0])
        twin = int(np.flatnonzero(training == digests[row])[0])
        yield (
            f"{len(leaked)} of its {len(test)} test {noun} are among its training {noun} too "
            f"(the first: {name_of(row)} is {name_of(twin)})"
        )
    if images and y.ndim == 1 and y.dtype.kind == "i":
        # Equal pictures are neighbours after sorting, which takes n log n comparisons and not n².
        order = np.lexsort((y, digests))
        same = digests[order][1:] == digests[order][:-1]
        unclear = np.unique(digests[order][1:][same & (y[order][1:] != y[order][:-1])])
        if len(unclear):
            first = int(np.flatnonzero(np.isin(digests, unclear))[0])
            second = int(np.flatnonzero((digests == digests[first]) & (y != y[first]))[0])
            count = len(unclear)
            yield (
                f"{count} of its images {'have' if count > 1 else 'has'} more than one class "
                f"(the first: {name_of(first)} is {name_of(second)})"
            )


def copied(
    arrays: Sequence[Any], rows: np.ndarray, new: Sequence[Any], new_rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which new examples equal others, and the first of these, as places in `new_rows` and rows.

    Args:
        arrays: what is compared of the others, such as inputs and targets, each [N, ...].
        rows: the rows [R] of them that count.
        new: the same of the new examples, each [M, ...].
        new_rows: the rows [S] of them that count.
    """
    digests = _digests_at(rows, arrays)
    first = dict(zip(digests[::-1].tolist(), rows[::-1].tolist(), strict=True))
    known = [first.get(digest, -1) for digest in _digests_at(new_rows, new).tolist()]
    twins = np.array(known, np.int64)
    places = np.flatnonzero(twins >= 0)
    return places, twins[places]


def _digests_at(rows: np.ndarray, arrays: Sequence[Any]) -> np.ndarray:
    """As _digests, of these rows, which are gathered a few at a time."""
    width = sum(np.asarray(array[rows[:1]]).nbytes for array in arrays)
    size = max(1, _PIECE // max(1, width))
    pieces = [rows[first : first + size] for first in range(0, len(rows), size)]
    return np.concatenate(
        [_digests(*(np.asarray(array[piece]) for array in arrays)) for piece in pieces]
    )


def _copies(digests: np.ndarray, noun: str, name_of: Callable[[int], str]) -> Iterator[str]:
    """A note on examples that repeat others, which a drawn split may part."""
    # np.unique gives the first occurrence, so a note names the row that others repeat.
    _, firsts, index = np.unique(digests, return_index=True, return_inverse=True)
    repeated = np.flatnonzero(firsts[index] != np.arange(len(digests)))
    if len(repeated):
        row = int(repeated[0])
        verb = "repeat others" if len(repeated) > 1 else "repeats another"
        yield (
            f"{len(repeated):,} of its {len(digests):,} {noun} {verb} (the first: {name_of(row)} is"
            f" {name_of(int(firsts[index[row]]))}); a split may put one in training and its copy in"
            " test"
        )


def _digests(*arrays: Any) -> np.ndarray:
    """64 bits per row of the arrays [N, ...] together; they differ from process to process."""
    size = len(arrays[0])
    widths = [array[:1].nbytes for array in arrays]
    rows = max(1, _PIECE // max(1, sum(widths)))
    digests = np.empty(size, np.int64)
    for first in range(0, size, rows):
        pieces = [np.ascontiguousarray(array[first : first + rows]).tobytes() for array in arrays]
        count = min(rows, size - first)
        digests[first : first + count] = [
            hash(
                b"".join(
                    piece[row * width : (row + 1) * width]
                    for piece, width in zip(pieces, widths, strict=True)
                )
            )
            for row in range(count)
        ]
    return digests
