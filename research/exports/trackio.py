"""Trackio: a project in its local database, with a run per record."""

import contextlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from research.data.progress_bar import counted
from research.exports import client
from research.exports.columns import epochs
from research.sweeps.records.record import Record

_PROJECT = "records"


def export(records: Sequence[Record], directory: Path, artifacts: Path | None = None) -> str:
    """Writes the project `records` into the directory, which becomes Trackio's data directory.

    Runs that it already has are not written again. Tables and figures are an artifact of a run of
    their own, which has the name of their folder.

    Args:
        records: the records.
        directory: is made if it does not exist.
        artifacts: a folder of tables and figures; None: there are none.
    """
    directory.mkdir(parents=True, exist_ok=True)
    # Before the import: Trackio reads the variable once, when it is imported.
    os.environ["TRACKIO_DIR"] = str(directory.absolute())
    trackio: Any = client("trackio")
    existing = (directory / f"{_PROJECT}.db").exists()
    there = {run.name for run in trackio.Api().runs(_PROJECT)} if existing else set()
    # Trackio prints several lines per run to stdout.
    with contextlib.redirect_stdout(io.StringIO()):
        for record in counted(records, "exporting", "run"):
            if record.run_id not in there:
                _begin(trackio, record.run_id, dict(record.config) | {"status": record.status})
                for epoch, values in enumerate(epochs(record), 1):
                    trackio.log(values, step=epoch)
                trackio.log({f"final/{name}": value for name, value in record.metrics.items()})
                trackio.finish()
        if artifacts is not None:
            _begin(trackio, artifacts.name, {})
            trackio.log_artifact(artifacts, name=artifacts.name, type="table")
            trackio.finish()
    return f"wrote the project 'records' into {directory}; trackio show --project records shows it"


def _begin(trackio: Any, name: str, config: dict[str, Any]) -> None:
    """Begins a run, without the measurements that Trackio takes of the machine meanwhile."""
    trackio.init(
        project=_PROJECT,
        name=name,
        config=config,
        embed=False,
        auto_log_gpu=False,
        auto_log_cpu=False,
    )
