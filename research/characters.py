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


# Letters of a message: it may quote a class or a cell, which may have millions.
_LONGEST = 2000


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
    # An error handler, not another encoding: what the terminal can show stays as it is.
    codecs.register_error("plain", _plain)
    for stream in streams:
        # A notebook's stream has no such method and takes every character.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="plain")


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """The error handler: what cannot be encoded, in ASCII."""
    # Decoding errors reach the same handler, and have nothing to write.
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    written = [
        PLAIN.get(letter) or letter.encode("ascii", "backslashreplace").decode("ascii")
        for letter in lacking
    ]
    return "".join(written), error.end
