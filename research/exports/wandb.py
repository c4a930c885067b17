"""Weights & Biases: offline runs, which `wandb sync` uploads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from research.data.progress_bar import counted
from research.exports import client
from research.exports.columns import epochs
from research.sweeps.records.record import Record


def export(records: Sequence[Record], directory: Path, artifacts: Path | None = None) -> str:
    """Writes an offline run per record into the directory, each with its curves by epoch and its
    final metrics.

    Runs that it already has are not written again. Tables and figures are an artifact of a run of
    their own, which has the name of their folder.

    Args:
        records: the records.
        directory: is made if it does not exist.
        artifacts: a folder of tables and figures; None: there are none.
    """
    wandb: Any = client("wandb")
    directory.mkdir(parents=True, exist_ok=True)
    there = {path.name.rpartition("-")[2] for path in directory.glob("wandb/offline-run-*")}
    for record in counted(records, "exporting", "run"):
        if record.run_id not in there:
            run = _begin(wandb, directory, record.run_id, dict(record.config))
            for epoch, values in enumerate(epochs(record), 1):
                run.log(values, step=epoch)
            run.summary.update(dict(record.metrics) | {"status": record.status})
            run.finish()
    if artifacts is not None:
        run = _begin(wandb, directory, artifacts.name, {})
        files = wandb.Artifact(artifacts.name, type="table")
        files.add_dir(str(artifacts))
        run.log_artifact(files)
        run.finish()
    return f"wrote offline runs into {directory / 'wandb'}; wandb sync uploads them"


def _begin(wandb: Any, directory: Path, name: str, config: dict[str, Any]) -> Any:
    """Begins an offline run of that id and name."""
    return wandb.init(
        mode="offline",
        dir=str(directory),
        project="records",
        id=name,
        name=name,
        config=config,
        # Silent, since wandb prints a summary per run and captures stdout, where the launcher
        # reports.
        settings=wandb.Settings(silent=True, console="off"),
    )
