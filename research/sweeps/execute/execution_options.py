"""Execution: how runs are trained here; never part of a run's identity."""

import dataclasses

from research.duration import Period
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.sweeps.records.saved_parameters import Parameters
from research.sweeps.records.store import Store
from research.training.checkpoint.pack_manifest import Keep
from research.training.engine.chunk import ALL_ON_DEVICE, StreamingPolicy


@dataclasses.dataclass(frozen=True)
class Execution:
    """checkpoints: their directory, None for `checkpoints/` beside the records. every, keep: when,
    and which stay.

    replicas: devices that each run is spread over. memory: what of the data lies on the device.
    keep_params: finished runs keep their best and their last parameters beside their records.
    keep_predictions: they keep their scores of validation and test rows there.
    retry_failed: runs that failed earlier are trained again.
    assisting: another process asks for the runs, and reports on them.
    """

    checkpoints: str | None = None
    every: Period = Period(seconds=300.0)
    keep: Keep = "last"
    replicas: int = 1
    memory: StreamingPolicy = ALL_ON_DEVICE
    keep_params: bool = False
    keep_predictions: bool = False
    retry_failed: bool = False
    assisting: bool = False

    @property
    def keeps(self) -> bool:
        """Whether finished runs keep something beside their records."""
        return self.keep_params or self.keep_predictions

    def lacks(self, store: Store, record: Record) -> str:
        """What a run that is over lacks of what it keeps: `parameters`, `predictions`, or ""."""
        if record.status == "failed":
            return ""
        if self.keep_params and not Parameters(store).settled(record):
            return "parameters"
        if self.keep_predictions and not Predictions(store).has(record.run_id):
            return "predictions"
        return ""


DEFAULT = Execution()
