"""How numbers are printed: decimals by the width of the interval, percent, signs, p."""

import dataclasses
import math

from research.analysis.arms_table import Column
from research.statistics.intervals import Interval

NOTHING = "–"
# Metrics are float32: further digits are rounding.
MOST_DIGITS = 8
# Numbers from here on, and those that need more decimals than these, are written with an exponent.
LARGE = 1e7
MOST_DECIMALS = 6


@dataclasses.dataclass(frozen=True)
class Scale:
    """How the numbers of one cell are written: a factor (100 for percent), the decimals, and an
    exponent of ten."""

    factor: float = 1.0
    decimals: int = 4
    exponent: int = 0

    def number(self, value: float, sign: str = "") -> str:
        """The number, without the exponent; one that rounds to zero is written as 1.2e-05. sign:
        "+" for always."""
        scaled = value * self.factor / 10.0**self.exponent
        # A number that is not zero must not be printed as 0.0000.
        tiny = scaled != 0 and abs(scaled) < 0.5 * 10.0**-self.decimals and self.factor == 1
        form = ".2g" if tiny else ".6g" if abs(scaled) >= LARGE else f".{self.decimals}f"
        text = f"{scaled:{sign}{form}}"
        return text.replace("-", "−") if "e" not in text else text

    def printed(self, value: float) -> str:
        """A number that a paper printed, with all its decimals, and the cell's at least."""
        if self.exponent or not math.isfinite(value):
            return f"{value * self.factor:g}"
        decimals = len(f"{value:.10f}".rstrip("0").partition(".")[2]) - round(
            math.log10(self.factor)
        )
        return dataclasses.replace(self, decimals=max(self.decimals, decimals)).number(value)

    def interval(self, interval: Interval, sign: str = "") -> str:
        """`97.25 ± 0.31`, or the mean alone where there is no half-width; `(1.25 ± 0.31)e-08` with
        an exponent."""
        text = self.number(interval.mean, sign)
        if interval.half_width is not None:
            text = f"{text} ± {self.number(interval.half_width)}"
            text = f"({text})" if self.exponent else text
        return f"{text}e{self.exponent:+03d}" if self.exponent else text


def scale_of(column: Column, interval: Interval | None) -> Scale:
    """The half-width has two significant digits; without one, the mean has four. Percent has two
    decimals at least."""
    factor, least = (100.0, 2) if column.in_percent else (1.0, 0)
    if interval is None:
        return Scale(factor, least)
    mean, width = (abs(size or 0.0) * factor for size in (interval.mean, interval.half_width))
    # 0 and infinity have no leading digit to count from.
    sizes = [size for size in (mean, width) if size and math.isfinite(size)]
    if not sizes or not math.isfinite(mean):
        return Scale(factor, least)
    # Digits beyond the half-width are noise.
    decimals = 1 - _magnitude(width) if width in sizes else 3 - _magnitude(mean)
    if mean:
        decimals = min(decimals, MOST_DIGITS - 1 - _magnitude(mean))
    # Mean and half-width share one exponent, so that they can be compared by eye.
    if max(sizes) >= LARGE or (decimals > MOST_DECIMALS and max(sizes) < 1e-3):
        exponent = _magnitude(max(sizes))
        return Scale(factor, max(0, decimals + exponent), exponent)
    return Scale(factor, max(least, decimals))


def _magnitude(size: float) -> int:
    """The power of ten of the first digit, after rounding to two: 0 for 1.5, -1 for 0.25, 0 for
    0.997."""
    return int(f"{size:.1e}".partition("e")[2])


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
