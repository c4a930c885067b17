"""The flags of figures: where they are written, how wide, and where their title stands."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from absl import flags

from launch.cli.start import define_output
from research import messages
from research.analysis.figure_style import (
    TITLE_POSITIONS,
    FigureStyle,
    TitlePosition,
    figure_style,
    parse_width,
)
from research.analysis.table_report import TableReport
from research.analysis.view import View
from research.errors import UserError
from research.sweeps.column import Column

if TYPE_CHECKING:
    from optuna.study import Study

FIGURES = define_output("figures", "write the figures into this directory, as png and pdf")
WIDTH = flags.DEFINE_string(
    "width", None, "width of the figures: single or double (columns of a paper), or inches"
)
TITLE = flags.DEFINE_enum(
    "title",
    "above",
    TITLE_POSITIONS,
    "the figures' titles: above the axes, outside (a text file beside each), or off",
)


def style() -> FigureStyle:
    """The figures' style. Raises UserError for a width that is none, and without --figures."""
    for name in ("width", "title"):
        if flags.FLAGS[name].present and FIGURES.value is None:
            raise UserError(f"--{name} applies only to figures; add --figures=DIR")
    width = None if WIDTH.value is None else parse_width(WIDTH.value)
    return FigureStyle(width, cast(TitlePosition, TITLE.value))


def draw(report: TableReport, rows: View) -> None:
    """Writes the figures of these rows of a table, where --figures names a directory."""
    if FIGURES.value is not None:
        say(report.write_figures(FIGURES.value, rows, style()))


def draw_trials(studies: "Sequence[tuple[Study, Column]]") -> None:
    """Writes the figures of tunings, each in its metric, where --figures names a directory."""
    if FIGURES.value is None:
        return
    # It needs Optuna and matplotlib, which take a second.
    from research.analysis import trials

    with figure_style(style()):
        for study, column in studies:
            say(trials.write_figures(study, column, FIGURES.value))


def say(written: Iterator[Path | str]) -> None:
    """Prints the files that were written, and on stderr why a figure was left out."""
    for result in written:
        if isinstance(result, Path):
            print(f"wrote {result}")
        else:
            messages.say(f"note: {result}")
