"""Markdown that reads in a plain terminal: padded columns, wrapped caption and footer."""

import textwrap

from research.analysis.layout import Panel, Tabular, Text, document

WIDTH = 110


def to_markdown(table: Tabular) -> str:
    """The table as Markdown: caption, one padded grid per metric, footer."""
    doc = document(table)
    blocks = [_paragraph(doc.caption)]
    for panel in doc.panels:
        blocks += [f"**{_escape(panel.heading)}**"] if panel.heading else []
        blocks.append(_grid(panel))
    blocks.append("\n".join(_item(sentence) for sentence in doc.footer))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _paragraph(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _item(sentence: str) -> str:
    return textwrap.fill(
        sentence, WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _grid(panel: Panel) -> str:
    starred = [any(row[i].bold for row in panel.rows) for i in range(len(panel.header))]
    body = [[_cell(text, mark) for text, mark in zip(row, starred, strict=True)] for row in panel.rows]
    header = [_escape(text) for text in panel.header]
    widths = [max(3, *(len(line[i]) for line in (header, *body))) for i in range(len(header))]
    rule = [("-" * (w - 1) + ":") if a == "r" else "-" * w for w, a in zip(widths, panel.align, strict=True)]
    return "\n".join(_line(line, widths, panel.align) for line in (header, rule, *body))


def _cell(text: Text, starred: bool) -> str:
    """Bold in stars; the others of such a column give way by two places, so that the digits stay in line."""
    if text.bold:
        return f"**{_escape(text.text)}**"
    return _escape(text.text) + ("  " if starred else "")


def _line(texts: list[str], widths: list[int], align: str) -> str:
    padded = (
        text.rjust(width) if side == "r" else text.ljust(width)
        for text, width, side in zip(texts, widths, align, strict=True)
    )
    return f"| {' | '.join(padded)} |"


def _escape(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
