"""Numbers as a reader sees them: decimals by the width of the interval, percent, signs, p."""

import dataclasses
import math
import statistics
from collections.abc import Iterable

from research.analysis.cells import Cell, Column
from research.analysis.statistics import Interval

NOTHING = "–"


@dataclasses.dataclass(frozen=True)
class Scale:
    """How the numbers of one column are written: a factor (100 for percent) and the decimals."""

    factor: float = 1.0
    decimals: int = 4

    def number(self, value: float, sign: str = "") -> str:
        """The number; what does not fit its column is written as 1.2e-05, or 1.23457e+12. sign: "+" for always."""
        scaled = value * self.factor
        tiny = scaled != 0 and abs(scaled) < 0.5 * 10.0**-self.decimals and self.factor == 1
        form = ".2g" if tiny else ".6g" if abs(scaled) >= 1e7 else f".{self.decimals}f"
        text = f"{scaled:{sign}{form}}"
        return text.replace("-", "−") if "e" not in text else text

    def printed(self, value: float) -> str:
        """A number that a paper printed: with all the decimals that it was given with, and the column's at least."""
        given = len(f"{value:.10f}".rstrip("0").partition(".")[2]) - round(math.log10(self.factor))
        return dataclasses.replace(self, decimals=max(self.decimals, given)).number(value)

    def interval(self, interval: Interval, sign: str = "") -> str:
        """`97.25 ± 0.31`, or the mean alone where there is no half-width."""
        mean = self.number(interval.mean, sign)
        return mean if interval.half_width is None else f"{mean} ± {self.number(interval.half_width)}"


def scale_of(column: Column, cells: Iterable[Cell]) -> Scale:
    """Percent has two decimals; else the median half-width of the column has two significant digits."""
    if column.in_percent:
        return Scale(100.0, 2)
    intervals = [cell.interval for cell in cells if cell.interval is not None]
    widths = [i.half_width for i in intervals if i.half_width]
    if widths:
        return Scale(1.0, _decimals(statistics.median(widths), 2))
    means = [abs(i.mean) for i in intervals if i.mean]
    return Scale(1.0, _decimals(statistics.median(means), 4) if means else 4)


def _decimals(size: float, digits: int) -> int:
    """Decimals that show `size` with so many significant digits, between 0 and 6."""
    return min(6, max(0, digits - 1 - math.floor(math.log10(size))))


def p_value(p: float | None) -> str:
    """Four decimals, `<0.0001` below."""
    if p is None:
        return NOTHING
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


def seconds(value: float | None) -> str:
    """Seconds with three significant digits."""
    if value is None:
        return NOTHING
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def count(value: int | None) -> str:
    """`118,282`."""
    return NOTHING if value is None else f"{value:,}"


def as_number(text: str) -> float | None:
    """The text as a finite number, None if it is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
