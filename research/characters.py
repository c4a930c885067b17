"""Characters as a terminal shows them: those that its encoding lacks or that cannot be seen are
written in ASCII."""

import codecs
from typing import TextIO

# As they are written where there is nothing else; all others become escapes (`\u4e2d`).
PLAIN = {
    "±": "+/-",
    "·": ".",
    "–": "-",
    "—": "-",
    "−": "-",
    "×": "x",
    "Δ": "delta",
    "→": "->",
    "…": "...",
    "≤": "<=",
    "≥": ">=",
    "½": "1/2",
    "²": "^2",
    "’": "'",
}


_LONGEST = 2000  # letters of a message; a class or a cell may have millions


def one_line(text: str) -> str:
    """A message as one line that a terminal shows whole: line breaks and other unseen characters
    become escapes."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def adapt(*streams: TextIO) -> None:
    """Makes the streams write every text, whatever their encoding."""
    codecs.register_error("plain", _plain)
    for stream in streams:
        if hasattr(stream, "reconfigure"):  # a notebook's stream takes every character
            stream.reconfigure(errors="plain")


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """The error handler: what cannot be encoded, in ASCII."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    written = [
        PLAIN.get(letter) or letter.encode("ascii", "backslashreplace").decode("ascii")
        for letter in lacking
    ]
    return "".join(written), error.end
