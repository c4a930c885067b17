"""LaTeX that compiles as it is: a minimal document around one booktabs float to cut out."""

import dataclasses
from collections.abc import Iterator, Sequence

from research.analysis.layout import DIGIT_SPACE, POINT_SPACE, Panel, Tabular, Text, document

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
    "[": "{[}",  # after \\ a bracket or a star would be read as its argument
    "]": "{]}",
    "*": "{*}",
    "-": "-{}",  # "--" would become a dash
    '"': r"\textquotedblright{}",
    "'": "'{}",  # two of them would become a quotation mark
    "`": r"\textasciigrave{}",  # after ? or ! it would become a Spanish mark
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
LAST = "ſ"  # Latin with its accents is printed as it is, but for these:
_UNDECLARED = "ąĄęĘđĐðÐþÞŋŊħĦŧŦĸſ«»"

_DOCUMENT = r"""\documentclass{article}
\usepackage[landscape,margin=1.5cm]{geometry}
\usepackage{booktabs}
\begin{document}

% A paper needs only this float and \usepackage{booktabs}.
%s
\end{document}
"""

_FLOAT = r"""\begin{table}
  \centering
  \caption{%s}
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
    """The table as a complete LaTeX document: one float, or several where the rows fill more than a
    page."""
    doc = document(table)
    floats = list(_pages(doc.panels))
    last = len(floats) - 1
    texts = [
        _float(
            doc.caption if page == 0 else f"{doc.title} (continued).",
            panels,
            doc.footer * (page == last),
        )
        for page, panels in enumerate(floats)
    ]
    return _DOCUMENT.replace("%s", "\n".join(texts))


def _pages(panels: Sequence[Panel]) -> Iterator[list[Panel]]:
    """The panels in lists of at most PAGE_ROWS rows; a longer panel is cut."""
    page: list[Panel] = []
    for panel in panels:
        for start in range(0, max(1, len(panel.rows)), PAGE_ROWS):
            part = dataclasses.replace(panel, rows=panel.rows[start : start + PAGE_ROWS])
            if page and sum(len(p.rows) for p in page) + len(part.rows) > PAGE_ROWS:
                yield page
                page = []
            page.append(part)
    yield page


def _float(caption: str, panels: Sequence[Panel], footer: Sequence[str]) -> str:
    tabulars = "\n  \\par\\medskip\n".join(_tabular(panel) for panel in panels)
    notes = "\n".join(f"    {escape(sentence)}" for sentence in footer)
    return _FLOAT % (escape(caption), tabulars, notes)


def _tabular(panel: Panel) -> str:
    heading = [f"  \\textit{{{escape(panel.heading)}}}\\par\\smallskip"] if panel.heading else []
    lines = [
        *heading,
        f"  \\begin{{tabular}}{{@{{}}{panel.align}@{{}}}}",
        "    \\toprule",
        _line([Text(text) for text in panel.header]),
        "    \\midrule",
        *(_line(row) for row in panel.rows),
        "    \\bottomrule",
        "  \\end{tabular}",
    ]
    return "\n".join(lines)


def _line(texts: Sequence[Text]) -> str:
    return "    " + " & ".join(_cell(text) for text in texts) + r" \\"


def _cell(text: Text) -> str:
    if not text.bold:
        return escape(text.text)
    core = text.text.rstrip(DIGIT_SPACE + POINT_SPACE)
    return f"\\textbf{{{escape(core)}}}{escape(text.text[len(core) :])}"


def escape(text: str) -> str:
    """Plain text as LaTeX; every character that means something to LaTeX is printed as it is.

    One that LaTeX does not know is told by its number, so that the document compiles.
    """
    escaped = "".join(_ESCAPES.get(char) or _known(char) for char in text)
    # Two commas are a quotation mark in some encodings of fonts.
    return escaped.replace(",,", ",{},").replace(r"}\phantom{", "")


def _known(char: str) -> str:
    return (
        char
        if char <= LAST and char.isprintable() and char not in _UNDECLARED
        else f"U+{ord(char):04X}"
    )
