"""Names of metrics that several layers share."""

import dataclasses
import re
from collections.abc import Sequence

# Before the names of metrics on training labels as they were before `label_noise`.
CLEAN = "clean_"

# Before the names of what the members of an ensemble are, as `members/accuracy`: the mean of their
# test metrics, and how far two of them differ.
MEMBERS = "members"
DISAGREEMENT = "disagreement"
# Before the names of metrics of the scores as they were before `calibrate`.
UNCALIBRATED = "uncalibrated_"

# Between the two metrics of a difference.
MINUS = " - "

# What a run took, as `effort/steps`.
EFFORT = ("steps", "examples", "seconds", "parameters", "flops")
_TARGET = re.compile(
    r"(?P<effort>steps|examples|seconds)_to\((?P<metric>[^<>=]+)(?P<sign>>=|<=)(?P<value>[^)]+)\)"
)


@dataclasses.dataclass(frozen=True)
class EffortTarget:
    """What a run took until a metric of its curves reached a value.

    `steps_to(validation/accuracy>=0.95)`: effort is steps, at_least is True.
    """

    effort: str
    metric: str
    at_least: bool
    value: float

    def reached(self, curve: Sequence[float]) -> int | None:
        """The epoch, from 1, in which the curve first reaches it; None if it never does."""
        sign = 1 if self.at_least else -1
        for epoch, value in enumerate(curve, start=1):
            if sign * value >= sign * self.value:  # NaN reaches nothing
                return epoch
        return None


def target_of(metric: str) -> EffortTarget | None:
    """The target in a metric's name; None where it has none."""
    match = _TARGET.fullmatch(metric.replace(" ", ""))
    if match is None:
        return None
    try:
        value = float(match["value"])
    except ValueError:
        return None
    return EffortTarget(match["effort"], match["metric"], match["sign"] == ">=", value)


def plain(name: str) -> str:
    """A metric's name, as `test/uncalibrated_nll`, without its split and what stands before it."""
    return name.rpartition("/")[2].removeprefix(CLEAN).removeprefix(UNCALIBRATED)


def operands(metric: str) -> list[str]:
    """Both metrics of a difference, `train/accuracy - test/accuracy`; any other metric alone."""
    return [name.strip() for name in metric.split(MINUS)]


def is_effort(metric: str) -> bool:
    """Whether a metric is what runs took, and not what they are worth."""
    head, _, name = metric.partition("/")
    return target_of(metric) is not None or (head == "effort" and name in EFFORT)
