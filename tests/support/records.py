"""Records for tests: made by hand, and as a launcher stored them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from research.analysis.arms_table import Arm
from research.sweeps.records.record import Record

VERSIONS = {"jax": "0.10.2", "flax": "0.12.8"}


def record(
    run_id: str, seed: int, accuracy: float | None = None, status: str = "finished", **config: str
) -> Record:
    """One run with a test accuracy; None where it has none."""
    return Record(
        run_id=run_id,
        status=status,  # type: ignore[arg-type]
        config={"dataset": "digits", **config, "seed": str(seed)},
        metrics={} if accuracy is None else {"test/accuracy": accuracy},
        curves={
            "validation/accuracy": [0.5, 0.8, 0.9 + 0.001 * seed],
            "train/loss": [2.0, 0.5, 0.1],
        },
        parameters=1234,
        diverged_at=7 if status == "diverged" else None,
        error="out of memory" if status == "failed" else "",
        provenance={
            "seconds": 1.0 + seed,
            "versions": VERSIONS,
            "device": "cpu",
            "commit": "abc1234",
            "way": "vmap",
        },
    )


def arm(label: str, values: Sequence[float | None] | Mapping[int, float], **config: str) -> Arm:
    """An arm of finished runs; in a sequence, None is a run that diverged."""
    by_seed = values if isinstance(values, Mapping) else dict(enumerate(values))
    records = {
        seed: record(
            f"{label}-{seed}",
            seed,
            value,
            "finished" if value is not None else "diverged",
            **config,
        )
        for seed, value in by_seed.items()
    }
    return Arm(label, records)


def stored_records(folder: Path) -> dict[str, dict[str, Any]]:
    """The records that a launcher stored in a folder, by run id."""
    paths = sorted(folder.glob("records/runs/*/*.json"))
    return {path.stem: json.loads(path.read_text())["record"] for path in paths}
