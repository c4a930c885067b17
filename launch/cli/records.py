"""The records directory of the command line."""

from collections.abc import Callable
from pathlib import Path

from launch.cli.start import RECORDS
from research import messages
from research.sweeps.records.store import Store


def store(
    warn: Callable[[str], None] = messages.warn,
) -> Store:
    """The records directory that the flags name."""
    return Store(Path(RECORDS.value), warn)
