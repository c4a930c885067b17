"""The records directory of the command line."""

import sys
from collections.abc import Callable
from pathlib import Path

from launch.cli.start import RECORDS
from research.sweeps.records.store import Store


def store(
    warn: Callable[[str], None] = lambda message: print(f"warning: {message}", file=sys.stderr),
) -> Store:
    """The records directory that the flags name."""
    return Store(Path(RECORDS.value), warn)
