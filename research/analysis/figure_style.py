"""How figures fit a paper: their width, and where their title stands."""

import contextlib
import dataclasses
import math
import textwrap
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Literal, get_args

from research.errors import UserError

TitlePosition = Literal["above", "outside", "off"]
TITLE_POSITIONS = get_args(TitlePosition)

# Inches that fit one column, and both, of the usual two-column templates (ICML, IEEE, ACM, Nature).
WIDTHS = {"single": 3.25, "double": 6.75}
NARROWEST = 2.0
WIDEST = 20.0
# Figures are drawn for a screen with letters of 8 to 10 points; a paper's captions have 7 to 8.
PRINTED = 0.8
# Narrower figures have two panels side by side at most, and legends below the axis.
NARROW = 5.0
# The width of a letter on average, in font sizes (DejaVu Sans).
LETTER = 0.56


@dataclasses.dataclass(frozen=True)
class FigureStyle:
    """width: of every figure in inches, None for each figure's natural one.

    title: `above` the axes, `outside` in a text file beside the figure, or `off`.
    """

    width: float | None = None
    title: TitlePosition = "above"

    @property
    def scale(self) -> float:
        """The factor of letters and heights."""
        return 1.0 if self.width is None else PRINTED

    @property
    def narrow(self) -> bool:
        """Whether legends and verdicts have no room beside the axis."""
        return self.width is not None and self.width < NARROW

    def size(self, width: float, height: float) -> tuple[float, float]:
        """The size in inches of a figure whose natural size is given."""
        return (width, height) if self.width is None else (self.width, height * self.scale)

    def panels(self, most: int) -> int:
        """How many panels stand side by side, where `most` do on a screen."""
        return min(most, 2) if self.narrow else most


def parse_width(text: str) -> float:
    """Inches from `single`, `double` or a number. Raises UserError for anything else."""
    if text in WIDTHS:
        return WIDTHS[text]
    try:
        inches = float(text)
    except ValueError:
        inches = math.nan
    if not NARROWEST <= inches <= WIDEST:
        raise UserError(
            f"--width={text}: allowed are {', '.join(WIDTHS)}, or {NARROWEST:g} to {WIDEST:g}"
            " inches"
        )
    return inches


def shortened(text: str, most: int) -> str:
    """The text in one line of at most `most` characters, without its middle if it is longer."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most // 2]}…{line[len(line) - most // 2 + 1 :]}"


def wrap(text: str, inches: float, points: float) -> str:
    """The text with lines that fit a width.

    Args:
        text: the text.
        inches: the width.
        points: the font size.
    """
    characters = _characters(inches, points)
    return "\n".join(textwrap.fill(line, characters) for line in text.split("\n"))


def fitted(text: str, inches: float, points: float, lines: int) -> str:
    """The text in at most so many lines that fit a width, without its middle if it is longer.

    Args:
        text: the text, such as an arm's label.
        inches: the width.
        points: the font size.
        lines: how many there may be.
    """
    # A line that breaks between words is not full, so one of several lines is kept free.
    most = _characters(inches, points) * max(1, lines - 1)
    return wrap(shortened(text, most), inches, points)


def _characters(inches: float, points: float) -> int:
    return max(10, int(inches * 72 / (points * LETTER)))


SCREEN = FigureStyle()
_ACTIVE = ContextVar[FigureStyle]("figure_style")


def active() -> FigureStyle:
    """The style in which figures are drawn now."""
    return _ACTIVE.get(SCREEN)


@contextlib.contextmanager
def figure_style(style: FigureStyle) -> Iterator[None]:
    """Draws the figures of its block in this style, as matplotlib's `rc_context` does."""
    token = _ACTIVE.set(style)
    try:
        yield
    finally:
        _ACTIVE.reset(token)
