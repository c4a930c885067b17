"""HTML: a table as part of a page, and a page that needs no network."""

import html
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from research.analysis.layout import CellText, Panel, document
from research.analysis.tabular import Tabular

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem;
    color: #222; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #ddd; white-space: nowrap;
    text-align: left; }
th { border-bottom: 2px solid #888; }
.r { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: #f6f6f6; padding: 1rem; overflow-x: auto; }
figure { margin: 1rem 0; } figure svg { max-width: 100%; height: auto; }
footer, li { color: #555; }
"""


def to_html(table: Tabular) -> str:
    """The table as a page of its own."""
    return page(document(table).title, [fragment(table)])


def fragment(table: Tabular) -> str:
    """The table as part of a page: caption, one grid per metric, footer."""
    doc = document(table)
    parts = [f"<p>{html.escape(doc.caption)}</p>"]
    for panel in doc.panels:
        parts += [f"<h3>{html.escape(panel.heading)}</h3>"] if panel.heading else []
        parts.append(_grid(panel))
    parts.append(
        "<ul>" + "".join(f"<li>{html.escape(sentence)}</li>" for sentence in doc.footer) + "</ul>"
    )
    return "\n".join(parts)


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page of these parts."""
    name = html.escape(title)
    head = f'<meta charset="utf-8"><title>{name}</title><style>{_STYLE}</style>'
    body = "\n".join((f"<h1>{name}</h1>", *parts))
    return f"<!doctype html>\n<html><head>{head}</head><body>\n{body}\n</body></html>\n"


def section(heading: str, *parts: str) -> str:
    """Parts under a heading."""
    return f"<h2>{html.escape(heading)}</h2>\n" + "\n".join(parts)


def preformatted(lines: Iterable[str]) -> str:
    """Lines as a terminal shows them."""
    return f"<pre>{html.escape(chr(10).join(lines))}</pre>"


def drawing(figure: "Figure") -> str:
    """A figure drawn into a page."""
    svg = io.StringIO()
    # Without its date: unchanged records give an unchanged page.
    figure.savefig(svg, format="svg", metadata={"Date": None})
    return f"<figure>{svg.getvalue()[svg.getvalue().index('<svg') :]}</figure>"


def _grid(panel: Panel) -> str:
    head = "".join(
        _cell("th", text, side) for text, side in zip(panel.header, panel.align, strict=True)
    )
    rows = [
        "".join(_cell("td", text, side) for text, side in zip(row, panel.align, strict=True))
        for row in panel.rows
    ]
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table>\n<tr>{head}</tr>\n{body}\n</table>"


def _cell(tag: str, text: str | CellText, side: str) -> str:
    content = html.escape(text if isinstance(text, str) else text.text)
    if isinstance(text, CellText) and text.bold:
        content = f"<b>{content}</b>"
    return f'<{tag} class="r">{content}</{tag}>' if side == "r" else f"<{tag}>{content}</{tag}>"
