"""The canvas: a matplotlib figure that keeps its texts as text, in fonts that have their
characters."""

import contextlib
import functools
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from matplotlib import font_manager, rc_context
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FuncFormatter

from research import messages
from research.analysis.figure_style import active, fitted, wrap

# The font that matplotlib brings, and those of it that have boxes or mathematics instead of
# letters.
DEFAULT = "DejaVu Sans"
_NO_LETTERS = ("Last Resort", "STIX", "cm", "DejaVu")


# Journals refuse Type 3 fonts, matplotlib's default: 42 embeds TrueType. Text in an svg stays text,
# which is a tenth of the size of its outlines.
_FONTS: dict[Any, Any] = {"pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none"}
HEADING = 10.0  # points
_LEGEND = 0.8  # of the figure's width


class Canvas(Figure):
    """A figure in the active FigureStyle, with a constrained layout.

    On it `$5_$10` is `$5_$10`: names of classes, arms and settings are never mathematics.
    """

    def __init__(self, width: float, height: float) -> None:
        """A figure of this natural size in inches."""
        self.paper = active()
        self.caption = ""
        self._scaled = False
        super().__init__(figsize=self.paper.size(width, height), layout="constrained")

    def heading(self, text: str) -> None:
        """Sets the title of the whole figure, where the style wants it; its lines are wrapped."""
        self.caption = text
        if self.paper.title == "above":
            width = self.get_figwidth()
            self.suptitle(wrap(text, width, HEADING * self.paper.scale), fontsize=HEADING)

    def draw(self, renderer: RendererBase) -> None:
        """Draws the figure; where a character is in no installed font, a box stands for it."""
        self._prepare_texts()
        with _without_glyph_warnings():
            super().draw(renderer)

    def _prepare_texts(self) -> None:
        """Brings the texts to their size, and into fonts that have their characters."""
        self._scale_letters()
        self._fit_legends()
        texts = list(self._texts())
        for text in texts:
            text.set_parse_math(False)
            text.set_text(
                "".join(c if c.isprintable() or c == "\n" else " " for c in text.get_text())
            )
        families, _ = fonts(missing(text.get_text() for text in texts))
        if families:
            for text in texts:
                text.set_fontfamily([DEFAULT, *families])

    def _lay_out(self) -> None:
        """Gives the axes their places, once: matplotlib would do it for each file, and draw all
        once more to find out."""
        engine = self.get_layout_engine()
        if engine is None:
            return
        self._prepare_texts()
        with _without_glyph_warnings():
            engine.execute(self)
        self.set_layout_engine(None)

    def _scale_letters(self) -> None:
        """Brings every text to the style's size, once."""
        if self._scaled or self.paper.scale == 1:
            return
        self._scaled = True
        for text in self.findobj(Text):
            assert isinstance(text, Text)
            text.set_fontsize(float(text.get_fontsize()) * self.paper.scale)
        for axes in self.axes:  # ticks that are yet to be made
            for axis in (axes.xaxis, axes.yaxis):
                size = axis.get_major_ticks()[0].label1.get_fontsize()
                axis.set_tick_params(which="major", labelsize=size)

    def _fit_legends(self) -> None:
        """Brings long entries of legends, which would leave the axes no room, into some lines."""
        for axes in self.axes:
            legend = axes.get_legend()
            for text in legend.get_texts() if legend else ():
                size = float(text.get_fontsize())
                text.set_text(fitted(text.get_text(), _LEGEND * self.get_figwidth(), size, 4))

    def savefig(self, fname: Any, **how: Any) -> None:
        """Writes the figure, and says on stderr which characters no font has."""
        with rc_context(_FONTS):
            self._lay_out()
            super().savefig(fname, **how)
        _, lost = fonts(missing(text.get_text() for text in self._texts()))
        _note(lost)

    def _texts(self) -> Iterator[Text]:
        """Every text but the numbers of the axes, which matplotlib writes itself, and by
        mathematics on a log axis."""
        numbers: set[int] = set()
        for axes in self.axes:
            for axis in (axes.xaxis, axes.yaxis):
                for which, ticks in (
                    ("major", axis.get_major_ticks()),
                    ("minor", axis.get_minor_ticks()),
                ):
                    formatter = getattr(axis, f"get_{which}_formatter")()
                    if not isinstance(formatter, FixedFormatter | FuncFormatter):
                        numbers |= {
                            id(label) for tick in ticks for label in (tick.label1, tick.label2)
                        }
        artists: list[Artist] = self.findobj(Text)
        yield from (text for text in artists if isinstance(text, Text) and id(text) not in numbers)


@contextlib.contextmanager
def _without_glyph_warnings() -> Iterator[None]:
    """Without matplotlib's warnings of characters that a font lacks: `_note` says them once."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield


def missing(texts: Iterable[str]) -> frozenset[str]:
    """The characters that the default font does not have."""
    return frozenset(
        c for text in texts for c in text if c.isprintable() and ord(c) not in _characters(DEFAULT)
    )


@functools.cache
def fonts(characters: frozenset[str]) -> tuple[tuple[str, ...], str]:
    """(installed families that have these characters, the one with the most first; the characters
    that none has)."""
    left = set(characters)
    families = list[str]()
    installed = {font.name for font in font_manager.fontManager.ttflist} if left else set()
    has = {
        family: left & set(map(chr, _characters(family)))
        for family in sorted(installed)
        if not family.startswith(_NO_LETTERS)
    }
    while left and has:
        best = max(has, key=lambda family: len(has[family] & left))
        if not has[best] & left:
            break
        families.append(best)
        left -= has[best]
    return tuple(families), "".join(sorted(left))


@functools.cache
def _characters(family: str) -> frozenset[int]:
    """The code points that a family's regular font has."""
    return frozenset(font_manager.get_font(font_manager.findfont(family)).get_charmap())


@functools.cache  # once for the same characters
def _note(lost: str) -> None:
    if lost:
        listed = lost if len(lost) <= 20 else f"{lost[:20]}…"
        messages.say(
            f"note: no installed font has {listed}; figures show boxes (Noto Sans CJK has Chinese,"
            " Japanese and Korean)"
        )
