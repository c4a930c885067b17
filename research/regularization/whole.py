"""`Whole`: a numeric option (lanes may differ in it) that counts something."""

import dataclasses
from typing import Annotated

from research.options import Range


@dataclasses.dataclass(frozen=True)
class WholeRange(Range):
    """Whole numbers within the bounds."""

    def __contains__(self, number: float) -> bool:
        return super().__contains__(number) and number == int(number)

    def __str__(self) -> str:
        return f"a whole number {super().__str__()}"


Whole = Annotated[float, WholeRange(0)]
AtLeastOne = Annotated[float, WholeRange(1)]
