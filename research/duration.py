"""Durations: `500` (steps), `3epochs`, `5%` (of the training), converted to steps once; intervals:
also `5min`."""

import dataclasses
import math
import re

import numpy as np

from research.errors import UserError

# No exponents, since an e begins `epochs`.
_PATTERN = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(%|epochs?|steps?)?")
_CLOCK = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(s|m|min|h)")
_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_UNITS = {
    None: "steps",
    "step": "steps",
    "steps": "steps",
    "epoch": "epochs",
    "epochs": "epochs",
    "%": "%",
}


@dataclasses.dataclass(frozen=True)
class Duration:
    """An amount of training, in steps, epochs or percent of all steps."""

    amount: float
    unit: str = "steps"

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """`500`, `500steps`, `3epochs`, `0.5epochs`, `5%`. Raises UserError on anything else."""
        match = _PATTERN.fullmatch(text.strip())
        if match is None:
            raise UserError(
                f"'{text}' is not a duration; write steps, epochs or percent: 500, 3epochs or 5%"
            )
        amount = float(match[1])
        unit = _UNITS[match[2]]
        if unit == "%" and amount > 100:
            raise UserError(f"'{text}' is more than 100% of the training")
        if unit == "steps" and amount != int(amount):
            raise UserError(f"'{text}' is not a whole number of steps")
        return cls(amount, unit)

    def steps(self, *, steps_per_epoch: int, total_steps: int) -> int:
        """The duration in whole steps, rounded to the nearest."""
        per_unit = {"steps": 1.0, "epochs": float(steps_per_epoch), "%": total_steps / 100}[
            self.unit
        ]
        # Half rounds up; Python's round would take it to the nearest even number.
        return math.floor(self.amount * per_unit + 0.5)

    def __str__(self) -> str:
        # Positional, since `parse` reads no exponents.
        return np.format_float_positional(self.amount, trim="-") + (
            "" if self.unit == "steps" else self.unit
        )


@dataclasses.dataclass(frozen=True)
class Period:
    """How often something is done: every so much training, or every so many seconds."""

    training: Duration | None = None
    seconds: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "Period":
        """`30s`, `5min` or `5m`, `1h`, or a Duration above zero. Raises UserError on anything
        else."""
        match = _CLOCK.fullmatch(text.strip())
        if match is not None:
            interval = cls(seconds=float(match[1]) * _SECONDS[match[2]])
        else:
            try:
                interval = cls(training=Duration.parse(text))
            except UserError:
                raise UserError(
                    f"'{text}' is not an interval; write time, steps, epochs or percent (to 100), "
                    "as in 5min, 500, 3epochs or 5%"
                ) from None
        if not interval.seconds and not (interval.training and interval.training.amount):
            raise UserError(f"'{text}' is not an interval; it must be longer than 0")
        return interval

    def steps(self, *, steps_per_epoch: int, total_steps: int) -> int | None:
        """The interval in whole steps, at least 1; None if it is one of time."""
        if self.training is None:
            return None
        # A small percentage of a short training rounds to 0 steps, and would never be reached.
        return max(1, self.training.steps(steps_per_epoch=steps_per_epoch, total_steps=total_steps))
