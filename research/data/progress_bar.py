"""A progress line on stderr, for what takes longer than two seconds."""

import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")

# Shorter work passes without a line.
SECONDS = 2.0
# Between two states of the line, on a terminal and in a file.
TERMINAL_SECONDS = 0.5
FILE_SECONDS = 10.0


def progress(total: int, what: str, unit: str) -> tqdm:
    """A progress bar with the time that is left, to use in a `with` block and to update.

    Args:
        total: how many things are to be done.
        what: the text before the bar.
        unit: what one thing is called.
    """
    return tqdm(
        total=total,
        desc=what,
        unit=unit,
        file=sys.stderr,
        delay=SECONDS,
        mininterval=TERMINAL_SECONDS if sys.stderr.isatty() else FILE_SECONDS,
        dynamic_ncols=True,
    )


def counted(things: Sequence[T], what: str, unit: str) -> Iterator[T]:
    """The things one after another, with a progress bar over them.

    Args:
        things: the things.
        what: the text before the bar.
        unit: what one thing is called.
    """
    with progress(len(things), what, unit) as bar:
        for thing in things:
            yield thing
            bar.update()
