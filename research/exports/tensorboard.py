"""TensorBoard: event files of the runs' curves with their hyperparameters, a folder per run."""

from collections.abc import Sequence
from pathlib import Path

from research.data.progress_bar import counted
from research.errors import UserError
from research.sweeps.records.event_files import Events
from research.sweeps.records.record import Record


def export(records: Sequence[Record], directory: Path, artifacts: Path | None = None) -> str:
    """Writes the events of every run that has none yet. TensorBoard stores no files.

    Args:
        records: the records.
        directory: is made if it does not exist.
        artifacts: a folder of tables and figures; None: there are none.

    Raises:
        UserError: if they cannot be written.
    """

    def refuse(message: str) -> None:
        raise UserError(message)

    events = Events(directory, refuse)
    for record in counted(records, "exporting", "run"):
        events.record(record)
    return f"wrote event files into {directory}; tensorboard --logdir={directory} shows them"
