"""TensorBoard: event files of the runs' curves with their hyperparameters, a folder per run."""

from collections.abc import Sequence
from pathlib import Path

from research.errors import UserError
from research.sweeps.records.event_files import Events
from research.sweeps.records.record import Record


def export(records: Sequence[Record], place: Path) -> str:
    """Writes the events of every run that has none yet. Raises UserError if they cannot be
    written."""

    def refuse(message: str) -> None:
        raise UserError(message)

    events = Events(place, refuse)
    for record in records:
        events.record(record)
    return f"wrote event files into {place}; tensorboard --logdir={place} shows them"
