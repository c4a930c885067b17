"""Execution: how runs are trained here; never part of a run's identity."""

import dataclasses

from research.duration import Period
from research.training.checkpoint.pack_manifest import Keep
from research.training.engine.chunk import ALL_ON_DEVICE, StreamingPolicy


@dataclasses.dataclass(frozen=True)
class Execution:
    """checkpoints: their directory, None for `checkpoints/` beside the records. every, keep: when,
    and which stay.

    replicas: devices that each run is spread over. memory: what of the data lies on the device.
    keep_params: finished runs keep their best and their last parameters beside their records.
    """

    checkpoints: str | None = None
    every: Period = Period(seconds=300.0)
    keep: Keep = "last"
    replicas: int = 1
    memory: StreamingPolicy = ALL_ON_DEVICE
    keep_params: bool = False


DEFAULT = Execution()
