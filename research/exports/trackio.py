"""Trackio: a project in its local database, with a run per record."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from research.exports import client
from research.exports.columns import epochs
from research.sweeps.records.record import Record


def export(records: Sequence[Record], place: Path) -> str:
    """Writes the project `records` into the directory, which becomes Trackio's data directory."""
    place.mkdir(parents=True, exist_ok=True)
    # Before the import: Trackio reads the variable once, when it is imported.
    os.environ["TRACKIO_DIR"] = str(place.absolute())
    trackio: Any = client("trackio")
    for record in records:
        trackio.init(project="records", name=record.run_id, config=dict(record.config))
        for epoch, values in enumerate(epochs(record), 1):
            trackio.log(values, step=epoch)
        trackio.log({f"final/{name}": value for name, value in record.metrics.items()})
        trackio.finish()
    return f"wrote the project 'records' into {place}; trackio show --project records shows it"
