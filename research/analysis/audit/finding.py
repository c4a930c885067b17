"""Finding: one thing that a reviewer would object to, and what can be done about it."""

import dataclasses
from typing import Literal

Level = Literal["problem", "caution"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """What a check found.

    level: `problem` if a number of the table can be wrong or says less than it seems to; `caution`
        if a reader should know. remedy: what to change, as a sentence.
    """

    level: Level
    text: str
    remedy: str
