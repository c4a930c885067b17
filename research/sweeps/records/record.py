"""What a run leaves behind; tables and figures are built from records alone."""

import dataclasses
from typing import Any, Literal

Status = Literal["finished", "diverged", "failed"]


@dataclasses.dataclass(frozen=True)
class Record:
    """One run's outcome.

    config: the resolved config, flat (`{"arch": "mlp", "arch.hidden": "256,256", "seed": "0",
        ...}`).
    metrics: the final metrics by split (`test/accuracy`). curves: one value an epoch, by name
        (`train/loss`).
    checksums: one digest of the parameters an epoch. diverged_at: the step of the first non-finite
        loss or update, or the last step if what it left is not finite. error: why a run failed, or
        why it diverged, where more is known than that a loss or an update was not finite.
        calibration: the map of its scores that `calibrate` fitted (tasks/calibration.py), or {}.
        selected: the features that `select` chose.
        provenance: seconds, host, versions, commit, device, way, width: all that is not a function
        of the config. Whole numbers in it have 64 bits.
    """

    run_id: str
    status: Status
    config: dict[str, str]
    metrics: dict[str, float] = dataclasses.field(default_factory=dict)
    curves: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    checksums: list[str] = dataclasses.field(default_factory=list)
    parameters: int = 0
    steps: int = 0
    diverged_at: int | None = None
    error: str = ""
    calibration: dict[str, Any] = dataclasses.field(default_factory=dict)
    selected: list[str] = dataclasses.field(default_factory=list)
    provenance: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def cause(self) -> str:
        """What went wrong in one line, without its traceback: the last exception's own."""
        lines = self.error.rpartition("Traceback (most recent call last):")[2].splitlines()
        return next((line for line in lines if line.strip() and not line.startswith(" ")), "")
