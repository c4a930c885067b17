"""LaTeX: a booktabs `table` for a paper to \\input, or a whole document around it."""

import dataclasses
import re
from collections.abc import Iterator, Sequence

from research.analysis.layout import (
    DIGIT_SPACE,
    POINT_SPACE,
    CellText,
    Document,
    Panel,
    Tabular,
    document,
)

PAGE_ROWS = 36

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # After \\ a bracket or a star would be read as its argument.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    '"': r"\textquotedblright{}",
    # After ? or ! it would become a Spanish mark.
    "`": r"\textasciigrave{}",
    "±": r"$\pm$",
    "−": "$-$",
    "–": r"\textendash{}",
    "·": r"$\cdot$",
    "×": r"$\times$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "²": "$^2$",
    "₁": "$_1$",
    "₂": "$_2$",
    "→": r"$\rightarrow$",
    "≈": r"$\approx$",
    "≠": r"$\neq$",
    "∞": r"$\infty$",
    "√": r"$\surd$",
    "∈": r"$\in$",
    "ℓ": r"$\ell$",
    "…": r"\ldots{}",
    "—": r"\textemdash{}",
    "‘": r"\textquoteleft{}",
    "’": r"\textquoteright{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    DIGIT_SPACE: r"\phantom{0}",
    POINT_SPACE: r"\phantom{.}",
}
_GREEK = {"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta"}
_GREEK |= {"η": "eta", "θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu"}
_GREEK |= {"ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau"}
_GREEK |= {"υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma"}
_GREEK |= {"Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma"}
_GREEK |= {"Φ": "Phi", "Ψ": "Psi", "Ω": "Omega"}
_ESCAPES |= {letter: f"$\\{name}$" for letter, name in _GREEK.items()}
# Latin with its accents is printed as it is, but for these:
LAST = "ſ"
_UNDECLARED = "ąĄęĘđĐðÐþÞŋŊħĦŧŦĸſ«»"

_HEADER = "% A paper requires \\usepackage{booktabs}, and T1 fonts for accented letters.\n"

_DOCUMENT = r"""\documentclass{article}
\usepackage[landscape,margin=1.5cm]{geometry}
\usepackage{booktabs}
\begin{document}

%s
\end{document}
"""

_FLOAT = r"""\begin{table}
  \centering
  \caption{%s}%s
  \vspace{4pt}
  \footnotesize
  \setlength{\tabcolsep}{4pt}
%s
  \par\smallskip
  \begin{minipage}{0.95\linewidth}
    \footnotesize
%s
  \end{minipage}
\end{table}
"""


def to_latex(table: Tabular) -> str:
    r"""The table as one `table` float for a paper to \input, labelled `tab:TITLE`.

    Where the rows fill more than a page there are several; \ref leads to the first.
    """
    doc = document(table)
    pages = list(_pages(doc.panels))
    label = f"\n  \\label{{{label_of(doc.title)}}}"
    floats = [_float(_caption(doc), label, pages[0], doc.footer if len(pages) == 1 else ())]
    for number, panels in enumerate(pages[1:], 2):
        footer = doc.footer if number == len(pages) else ()
        floats.append(_float(f"{_summary(doc)} (continued).", "", panels, footer))
    return _HEADER + "\n".join(floats)


def standalone(floats: str) -> str:
    """A document that compiles as it is, around what `to_latex` wrote."""
    return _DOCUMENT.replace("%s", floats)


def label_of(title: str) -> str:
    """`tab:my-question`: ASCII letters, digits, dots and dashes are safe in every label."""
    return "tab:" + re.sub(r"[^A-Za-z0-9.]+", "-", title).strip("-")


def _summary(doc: Document) -> str:
    """What the table is about, as the beginning of a sentence."""
    about = (doc.summary or doc.title).rstrip(".")
    # Titles are names of files and flags, which keep their case.
    return about[:1].upper() + about[1:] if doc.summary else about


def _caption(doc: Document) -> str:
    """The caption with the summary in place of the title, which means nothing to a paper's
    reader."""
    summary = _summary(doc)
    end = "" if summary.endswith(("?", "!")) else "."
    explanation = doc.caption.removeprefix(f"{doc.title.rstrip('.')}.")
    return f"{summary}{end}{explanation}"


def _pages(panels: Sequence[Panel]) -> Iterator[list[Panel]]:
    """The panels in lists of at most PAGE_ROWS rows; a longer panel is cut."""
    page: list[Panel] = []
    for panel in panels:
        for start in range(0, max(1, len(panel.rows)), PAGE_ROWS):
            piece = dataclasses.replace(panel, rows=panel.rows[start : start + PAGE_ROWS])
            # A float cannot break across pages, so that LaTeX would let it run off the paper.
            if page and sum(len(p.rows) for p in page) + len(piece.rows) > PAGE_ROWS:
                yield page
                page = []
            page.append(piece)
    yield page


def _float(caption: str, label: str, panels: Sequence[Panel], footer: Sequence[str]) -> str:
    """One `table`. label: the line with its label, if any."""
    tabulars = "\n  \\par\\medskip\n".join(_tabular(panel) for panel in panels)
    notes = "\n".join(f"    {escape(sentence)}" for sentence in footer)
    return _FLOAT % (escape(caption), label, tabulars, notes)


def _tabular(panel: Panel) -> str:
    heading = [f"  \\textit{{{escape(panel.heading)}}}\\par\\smallskip"] if panel.heading else []
    lines = [
        *heading,
        f"  \\begin{{tabular}}{{@{{}}{panel.align}@{{}}}}",
        "    \\toprule",
        _line([CellText(text) for text in panel.header]),
        "    \\midrule",
        *(_line(row) for row in panel.rows),
        "    \\bottomrule",
        "  \\end{tabular}",
    ]
    return "\n".join(lines)


def _line(texts: Sequence[CellText]) -> str:
    return "    " + " & ".join(_cell(text) for text in texts) + r" \\"


def _cell(text: CellText) -> str:
    if not text.bold:
        return escape(text.text)
    core = text.text.rstrip(DIGIT_SPACE + POINT_SPACE)
    return f"\\textbf{{{escape(core)}}}{escape(text.text[len(core) :])}"


def escape(text: str) -> str:
    """Plain text as LaTeX; every character that means something to LaTeX is printed as it is.

    A character that LaTeX does not know becomes its number, so that the document compiles.
    """
    escaped = "".join(_ESCAPES.get(char) or _known(char) for char in text)
    # Two dashes would become a longer one; two apostrophes or commas a quotation mark.
    escaped = re.sub(r"([-',])(?=\1)", r"\1{}", escaped)
    return escaped.replace(r"}\phantom{", "")


def _known(char: str) -> str:
    return (
        char
        if char <= LAST and char.isprintable() and char not in _UNDECLARED
        else f"U+{ord(char):04X}"
    )
