"""Markdown that reads in a plain terminal: padded columns, wrapped caption and footer."""

import re
import textwrap
from collections.abc import Sequence
from unicodedata import combining, east_asian_width

from research.analysis.layout import DIGIT_SPACE, POINT_SPACE, CellText, Panel, document
from research.analysis.tabular import Tabular

WIDTH = 80
# Columns of prose in a wide terminal: longer lines are hard to read.
WIDEST = 110
SPACES = DIGIT_SPACE + POINT_SPACE
_AS_SPACES = str.maketrans(SPACES, "  ")
_SPECIAL = re.compile(
    # A cell's end, emphasis, code, mathematics.
    r"[|*`$]"
    # A backslash that would escape what follows it.
    r"|\\(?=[!-/:-@\[-`{-~]|$)"
    # Emphasis; an underscore between letters is none.
    r"|(?<![^\W_])_|_(?![^\W_])"
    r"|<(?=[A-Za-z/!?])|&(?=#?\w+;)"  # HTML
    r"|~(?=~)|(?<=~)~|\](?=[(\[:])"  # struck out text, links
)


def to_markdown(table: Tabular, width: int | None = None) -> str:
    """The table as Markdown: caption, one padded grid per metric, footer.

    width: the columns of the terminal that it is for, where a wider grid continues below; None: of
        none, so a grid is as wide as it must be.
    """
    doc = document(table)
    prose = min(width or WIDTH, WIDEST)
    blocks = [_paragraph(doc.caption, prose)]
    for panel in doc.panels:
        blocks += [f"**{_escape(panel.heading)}**"] if panel.heading else []
        blocks += _grid(panel, width)
    blocks.append("\n".join(_item(sentence, prose) for sentence in doc.footer))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _paragraph(text: str, width: int) -> str:
    return textwrap.fill(_escape(text), width, break_long_words=False, break_on_hyphens=False)


def _item(sentence: str, width: int) -> str:
    return textwrap.fill(
        _escape(sentence),
        width,
        initial_indent="- ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _grid(panel: Panel, width: int | None) -> list[str]:
    """The grid, in parts where it is wider than `width`; each part has the labels of the rows."""
    starred = [any(row[i].bold for row in panel.rows) for i in range(len(panel.header))]
    body = [
        [_cell(text, mark) for text, mark in zip(row, starred, strict=True)] for row in panel.rows
    ]
    header = [_escape(text) for text in panel.header]
    widths = [max(3, *(_width(line[i]) for line in (header, *body))) for i in range(len(header))]
    rule = [
        ("-" * (w - 1) + ":") if a == "r" else "-" * w
        for w, a in zip(widths, panel.align, strict=True)
    ]
    lines = (header, rule, *body)
    return [
        "\n".join(_line(line, widths, panel.align, places) for line in lines)
        for places in _parts(widths, panel.labels, width)
    ]


def _parts(widths: Sequence[int], labels: int, width: int | None) -> list[list[int]]:
    """The columns of each part of a grid: the first `labels` of them, and as many others as fit."""
    names = list(range(min(labels, len(widths))))
    parts: list[list[int]] = [[*names]]
    for place in range(labels, len(widths)):
        # A line has a bar and a space on either side of each column.
        taken = sum(widths[i] + 3 for i in [*parts[-1], place]) + 1
        if width is not None and taken > width and len(parts[-1]) > labels:
            parts.append([*names])
        parts[-1].append(place)
    return parts


def _cell(text: CellText, starred: bool) -> str:
    """Bold in stars; the others of such a column give way by two places, so that the digits stay in
    line."""
    escaped = _escape(text.text)
    core = escaped.rstrip(SPACES)
    tail = " " * (len(escaped) - len(core))
    words = core.translate(_AS_SPACES)
    return f"**{words}**{tail}" if text.bold else words + ("  " if starred else "") + tail


def _line(texts: list[str], widths: list[int], align: str, places: list[int]) -> str:
    padded = (
        " " * (width - _width(text)) + text if side == "r" else text + " " * (width - _width(text))
        for text, width, side in ((texts[i], widths[i], align[i]) for i in places)
    )
    return f"| {' | '.join(padded)} |"


def _width(text: str) -> int:
    """The columns that a text takes in a terminal: wide characters (CJK) take two, combining marks
    none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _escape(text: str) -> str:
    """Plain text as Markdown: only what would mean something there gets a backslash, so that a
    terminal reads well."""
    return _SPECIAL.sub(lambda match: f"\\{match[0]}", text)
