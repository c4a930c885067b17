"""Characters that a terminal's encoding lacks: each is written in ASCII, so that no program ends while it prints."""

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
    written = [PLAIN.get(one) or one.encode("ascii", "backslashreplace").decode("ascii") for one in lacking]
    return "".join(written), error.end
