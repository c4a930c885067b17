"""Weights & Biases: offline runs, which `wandb sync` uploads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from research.exports import client
from research.exports.columns import epochs
from research.sweeps.records.record import Record


def export(records: Sequence[Record], place: Path) -> str:
    """Writes an offline run per record into the directory, each with its curves by epoch and its
    final metrics."""
    wandb: Any = client("wandb")
    place.mkdir(parents=True, exist_ok=True)
    # Silent, since wandb prints a summary per run and captures stdout, where the launcher reports.
    settings = wandb.Settings(silent=True, console="off")
    for record in records:
        run = wandb.init(
            mode="offline",
            dir=str(place),
            project="records",
            id=record.run_id,
            name=record.run_id,
            config=dict(record.config),
            settings=settings,
        )
        for epoch, values in enumerate(epochs(record), 1):
            run.log(values, step=epoch)
        run.summary.update(dict(record.metrics) | {"status": record.status})
        run.finish()
    return f"wrote offline runs into {place / 'wandb'}; wandb sync uploads them"
