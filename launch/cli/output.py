"""Where a table goes (terminal or file), which part of it is shown, and in which format."""

import sys
from pathlib import Path

from absl import flags

from launch.cli.start import define_file
from research import messages
from research.analysis.markdown import to_markdown
from research.analysis.render import FORMATS, render
from research.analysis.tabular import Tabular
from research.analysis.view import WHOLE, View
from research.durable_files import write_atomically
from research.metric_names import operands

FORMAT = flags.DEFINE_enum("format", "md", sorted(FORMATS), "format of the table")
SORT = flags.DEFINE_list(
    "sort", [], "sort the rows by these columns: a metric's best first; -COLUMN reverses"
)
TOP = flags.DEFINE_integer(
    "top", None, "show this many rows: the best by the first metric, or by --sort", lower_bound=1
)
COLUMNS = flags.DEFINE_list(
    "columns", [], "show these columns: settings, metrics, n, parameters, …; not for csv"
)
WHERE = flags.DEFINE_multi_string(
    "where",
    [],
    "show the rows with this: 'optimizer=sgd|adam', 'test accuracy>=95%', 'learning_rate<0.1'",
)
STANDALONE = flags.DEFINE_bool(
    "standalone", False, "with --format=tex: a document that compiles, not a table to \\input"
)
OUT = define_file("out", None, "write the table to this file; none: print it")


# How Markdown's marks are shown in a terminal.
MARKS = {r"\*\*.+?\*\*": "bold", r"(?<!\\)\|": "dim", r"^\| ?[-:| ]+\|$": "dim"}
VIEW = ("sort", "top", "columns", "where")


def view() -> View:
    """What the flags show of a table. Raises UserError on a condition that is none."""
    return View(tuple(WHERE.value), tuple(SORT.value), TOP.value, tuple(COLUMNS.value))


def metrics() -> tuple[str, ...]:
    """The metrics that --columns names as `test/nll`: a sweep's table has more than its own."""
    names = [name for name in COLUMNS.value if all(n.count("/") == 1 for n in operands(name))]
    return () if FORMAT.value == "csv" else tuple(names)


def check(table: Tabular) -> None:
    """Refuses flags that name what the table will not have; `table` is the one without results."""
    # Before training: a misspelt column should not fail hours later.
    asked = view()
    if asked != WHOLE:
        asked.check(table)
        _render(table.listing(table.rows, "", asked.columns))
    elif STANDALONE.value:
        _render(table)


def emit(table: Tabular) -> None:
    """Prints what the flags show of the table in its --format, or writes it to --out.

    A terminal gets it in its width and with colours, unless a format is asked for.
    """
    shown = view().apply(table)
    plain = FORMAT.present or STANDALONE.value or OUT.value is not None
    terminal = None if plain else messages.console(sys.stdout)
    if terminal is None:
        emit_text(_render(shown))
        return
    messages.show(to_markdown(shown, terminal.width).rstrip("\n"), MARKS)


def _render(table: Tabular) -> str:
    return render(table, FORMAT.value, STANDALONE.value)


def emit_text(text: str) -> None:
    """Prints a text, or writes it to --out and says so."""
    if OUT.value is None:
        print(text.rstrip("\n"))
        return
    # Atomic, so that a paper that inputs the file never reads half a table.
    write_atomically(Path(OUT.value), text)
    print(f"wrote {OUT.value}")
