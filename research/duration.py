"""Durations: `500` (steps), `3epochs`, `5%` (of the training), converted to steps once."""

import dataclasses
import math
import re

import numpy as np

from research.errors import UserError

_PATTERN = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(%|epochs?|steps?)?")
_UNITS = {None: "steps", "step": "steps", "steps": "steps", "epoch": "epochs", "epochs": "epochs", "%": "%"}


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
            raise UserError(f"'{text}' is not a duration; write steps, epochs or percent: 500, 3epochs or 5%")
        amount, unit = float(match[1]), _UNITS[match[2]]
        if unit == "%" and amount > 100:
            raise UserError(f"'{text}' is more than 100% of the training")
        if unit == "steps" and amount != int(amount):
            raise UserError(f"'{text}' is not a whole number of steps")
        return cls(amount, unit)

    def steps(self, *, steps_per_epoch: int, total_steps: int) -> int:
        """The duration in whole steps, rounded to the nearest."""
        per_unit = {"steps": 1.0, "epochs": float(steps_per_epoch), "%": total_steps / 100}[self.unit]
        return math.floor(self.amount * per_unit + 0.5)

    def __str__(self) -> str:
        return np.format_float_positional(self.amount, trim="-") + ("" if self.unit == "steps" else self.unit)
