"""The formats that a table is written in, by name."""

from collections.abc import Callable

from research.analysis.csv_json import to_csv, to_json
from research.analysis.html import to_html
from research.analysis.latex import standalone as standalone_latex
from research.analysis.latex import to_latex
from research.analysis.markdown import to_markdown
from research.analysis.tabular import Tabular
from research.errors import UserError, nearest

FORMATS: dict[str, Callable[[Tabular], str]] = {
    "md": to_markdown,
    "tex": to_latex,
    "html": to_html,
    "csv": to_csv,
    "json": to_json,
}


def render(table: Tabular, form: str, standalone: bool = False) -> str:
    """The table as text in one of FORMATS.

    Args:
        table: the table.
        form: the format.
        standalone: a LaTeX document that compiles as it is, instead of a `table` for a paper.

    Raises:
        UserError: the format is unknown, or `standalone` is given with another format than LaTeX.
    """
    if form not in FORMATS:
        raise UserError(f"unknown format '{form}'; {nearest(form, FORMATS)}")
    if standalone and form != "tex":
        raise UserError("--standalone applies only to --format=tex; leave it out")
    text = FORMATS[form](table)
    return standalone_latex(text) if standalone else text
