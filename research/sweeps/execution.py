"""Execution: how runs are trained here; never part of a run's identity."""

import dataclasses

from research.duration import Interval
from research.training.checkpoints import Keep


@dataclasses.dataclass(frozen=True)
class Execution:
    """checkpoints: their directory, None for `checkpoints/` beside the records. every, keep: when, and which stay."""

    checkpoints: str | None = None
    every: Interval = Interval(seconds=300.0)
    keep: Keep = "last"


DEFAULT = Execution()
