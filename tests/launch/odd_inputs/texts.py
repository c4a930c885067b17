"""Odd texts."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.launch.odd_inputs.case import Case

FLAGS = "--arch=ngram --context=8 --batch_size=4 --epochs=1"
RHYME = "the quick brown fox jumps over the lazy dog\n" * 4


def _text(content: bytes | str) -> Callable[[Path], object]:
    data = content if isinstance(content, bytes) else content.encode()
    return lambda folder: (folder / "t.txt").write_bytes(data)


def _plan(flags: str = "") -> str:
    return f"plan --dataset=text:t.txt {FLAGS} {flags}"


def _reads(length: int, symbols: int) -> Callable[[Path], None]:
    """Checks how many characters were read, and how many different ones."""

    def check(folder: Path) -> None:
        (file,) = (folder / ".cache" / "arrays").glob("text_*/x.npy")
        tokens = np.load(file)
        assert (len(tokens), len(np.unique(tokens))) == (length, symbols)

    return check


CASES: list[Case] = [
    Case(
        "a null character",
        _text(RHYME[:50] + "\0" + RHYME),
        _plan(),
        2,
        ("t.txt, line 2: it has a null character",),
    ),
    Case(
        "UTF-16",
        _text(RHYME.encode("utf-16")),
        _plan(),
        2,
        ("t.txt is in UTF-16; save it in UTF-8",),
    ),
    Case(
        "UTF-16 without a mark",
        _text(RHYME.encode("utf-16-le")),
        _plan(),
        2,
        ("or UTF-16 without a mark",),
    ),
    Case(
        "one character alone",
        _text("a" * 200),
        _plan(),
        2,
        ("consists of one character, 'a', and no other",),
    ),
    Case(
        "a mark of UTF-8", _text(b"\xef\xbb\xbf" + RHYME.encode()), _plan(), reads=_reads(176, 28)
    ),
    Case(
        "Latin-1",
        _text("café crème\n".encode("latin-1") * 20),
        _plan(),
        2,
        ("row 1 is not in UTF-8 (byte 0xe9); as cp1252 it reads 'café crème'",),
    ),
    Case(
        "an empty text",
        _text(""),
        _plan(),
        2,
        ("has 0 characters, too few for a window of context=8",),
    ),
    Case(
        "a text of one window",
        _text("12345678"),
        _plan(),
        2,
        ("has 8 characters, too few for a window",),
    ),
    Case(
        "a part that is too short",
        _text(RHYME[:60]),
        _plan(),
        2,
        ("leaves text:t.txt a part of 6 positions, too few",),
    ),
    Case("letters beyond ASCII", _text("søt 😀 ñandú\n" * 20), _plan(), reads=_reads(240, 11)),
    Case(
        "line ends of Windows", _text(RHYME.replace("\n", "\r\n")), _plan(), reads=_reads(180, 29)
    ),
    Case(
        "line separators of Unicode",
        _text("a\u2028b\x85c\x0cd\n" * 20),
        _plan(),
        reads=_reads(160, 8),
    ),
    Case(
        "a folder", lambda folder: (folder / "t.txt").mkdir(), _plan(), 2, ("expected a text file",)
    ),
]
