"""The text of a csv file: its bytes unpacked and decoded, or one line that says what they are
instead."""

import bz2
import codecs
import contextlib
import gzip
import io
import lzma
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

import numpy as np

from research.data.csv_advice import FlagAdvice
from research.errors import UserError

# How a packed file begins, and what unpacks it.
_PACKED: dict[bytes, Callable[[Path], BinaryIO]] = {
    b"\x1f\x8b": gzip.open,  # type: ignore[dict-item]
    b"BZh": bz2.open,  # type: ignore[dict-item]
    b"\xfd7zXZ\x00": lzma.open,  # type: ignore[dict-item]
}
PACKED = tuple(_PACKED)
# How files begin that are no csv, and what they are.
_OTHERS = {
    b"PK\x03\x04": "a zip archive or a spreadsheet (.xlsx, .ods)",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet (.xls)",
    b"\x89HDF": "an HDF5 file",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "an SQLite database",
    b"\x93NUMPY": "a NumPy array (.npy)",
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"\x28\xb5\x2f\xfd": "packed by zstd",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"RDX": "an R workspace",
    b"$FL2": "an SPSS file",
    b"<stata_dta>": "a Stata file",
    b"MATLAB 5.0": "a MATLAB file",
}
# How texts begin that are no tables, what they are, and what to do instead.
_PAGE = (
    "an HTML page, as a download without a login or a link to a page is; download the file itself"
)
_XML = "an XML document; expected a csv file: save the table as one"
_JSON = "JSON; expected a csv file: save the table as one, as pandas.read_json(FILE).to_csv does"
_DOCUMENTS = (
    (r"<!doctype\s+html|<html|<head|<body", _PAGE),
    (r"<table|<!--", _PAGE),
    (r"<\?xml|<svg", _XML),
    (r"\{\\rtf", "a document in RTF; expected a csv file: save the table as one"),
    (
        r"(?:%.*\s+)*@relation\b",
        "an ARFF file; expected a csv file: write its attributes' names as the header, and the rows"
        " below @data",
    ),
    (
        r"[+-]?\d+(?:\.\d+)?(?: +\d+:\S+)+\s*[\r\n]",
        "in the format of LIBSVM; expected a csv file with a header, as"
        " sklearn.datasets.load_svmlight_file reads it",
    ),
    (
        r"\|.*\|\s*[\r\n]+\s*\|?[\s:|-]*-{3}",
        "a table in Markdown; expected a csv file: delete its line of dashes and the outer |",
    ),
    (r'\{\s*("[^"]*"\s*:|\})|\[\s*[\[{]', _JSON),
    (
        r"version https://git-lfs\.github\.com/spec/",
        "a Git LFS pointer and not the file itself; fetch that with 'git lfs pull'",
    ),
)
# Bytes of a document's beginning.
_LOOKED_AT = 4096
# Where a tar archive says what it is.
_TAR = slice(257, 262)
# What a file may begin with to say its encoding; of UTF-32 before UTF-16, whose mark is its
# beginning.
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Characters or bytes that are read at a time.
_PIECE = 1 << 20
# Errors that unpacking raises on a damaged file.
_BROKEN = (OSError, EOFError, lzma.LZMAError)


def encoding_of(file: Path, given: str) -> str:
    """The file's encoding: what its first bytes say, else `given`, else UTF-8. Raises UserError if
    there is no such."""
    if given:
        try:
            codecs.lookup(given)
        except LookupError:
            raise UserError(
                f"encoding={given} is unknown; such are utf-8, utf-16, cp1252, latin-1, shift_jis"
            ) from None
    start = _beginning(file)
    return next(
        (encoding for mark, encoding in _MARKS.items() if start.startswith(mark)), given or "utf-8"
    )


@contextlib.contextmanager
def opened(file: Path, encoding: str) -> Iterator[TextIO]:
    """The file as text whose lines end at \\n, \\r\\n and \\r alone, each kept as it is."""
    with unpacked(file) as data, io.TextIOWrapper(data, encoding, newline="") as text:
        yield text


@contextlib.contextmanager
def unpacked(file: Path) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked from gzip, bzip2 or xz."""
    start = _beginning(file, packed=True)
    unpack = next((unpack for mark, unpack in _PACKED.items() if start.startswith(mark)), None)
    with open(file, "rb") if unpack is None else unpack(file) as data:
        yield data


def check(file: Path, encoding: str) -> bool:
    """Whether the text has quotes. Raises UserError for what is not text, or not in this
    encoding."""
    if other := next(
        (name for mark, name in _OTHERS.items() if _beginning(file).startswith(mark)), ""
    ):
        raise UserError(f"{file} is {other}; expected a csv file: save the table as one")
    if _beginning(file, _TAR.stop)[_TAR] == b"ustar":
        raise UserError(f"{file} is a tar archive; expected a csv file: unpack it")
    _check_document(file, encoding)
    quoted = False
    lines = 1
    try:
        with opened(file, encoding) as text:
            # The whole file is decoded once here, so that later readers need not handle bad bytes.
            while piece := text.read(_PIECE):
                if "\0" in piece:
                    raise _null(file, encoding, lines + piece[: piece.index("\0")].count("\n"))
                lines += piece.count("\n")
                quoted = quoted or '"' in piece
    except UnicodeError as error:
        raise undecodable(file, encoding, error) from None
    except _BROKEN as error:
        raise UserError(f"{file} cannot be read: {_reason(error)}") from None
    return quoted


def _check_document(file: Path, encoding: str) -> None:
    """Raises UserError for a text that is a document of another kind, whatever its name says."""
    start = _beginning(file, _LOOKED_AT).decode(encoding, "ignore").lstrip("\ufeff \t\r\n")
    for pattern, description in _DOCUMENTS:
        if re.match(pattern, start, re.IGNORECASE):
            raise UserError(f"{file} is {description}")


def quotes_enclose(file: Path, delimiter: str) -> bool:
    """Whether each quote opens or closes a cell, or is one of two within a quoted cell: what all
    readers agree on.

    False for a text in two bytes or more per character.
    """
    allowed = np.frombuffer(f'"\r\n{delimiter}'.encode(), np.uint8)
    count = 0
    before = b"\n"
    with unpacked(file) as data:
        piece = data.read(_PIECE).removeprefix(codecs.BOM_UTF8)
        while piece:
            following = data.read(_PIECE)
            window = np.frombuffer(before + piece + (following[:1] or b"\n"), np.uint8)
            places = np.flatnonzero(window[1:-1] == ord('"'))
            # Quotes open and close in turn, counted over the pieces that were read before.
            opens = (count + np.arange(len(places))) % 2 == 0
            if not np.isin(np.where(opens, window[places], window[places + 2]), allowed).all():
                return False
            count, before, piece = count + len(places), piece[-1:], following
    return count % 2 == 0


def _beginning(file: Path, size: int = 16, packed: bool = False) -> bytes:
    """The first `size` bytes; packed: as they are on the disk, not unpacked."""
    try:
        with open(file, "rb") if packed else unpacked(file) as data:
            return data.read(size)
    except _BROKEN as error:
        raise UserError(f"{file} cannot be read: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _null(file: Path, encoding: str, line: int) -> UserError:
    """The error of a null character."""
    return _of_two_bytes(file, encoding) or UserError(
        f"{file}, row {line}: it has a null character (a byte 0), so it is damaged or not a"
        " csv file"
    )


def _of_two_bytes(file: Path, encoding: str) -> UserError | None:
    """The error of a text in UTF-16 that does not say so itself: most of its characters have a byte
    0."""
    with unpacked(file) as data:
        start = data.read(1000)
    # ASCII letters have their zero byte second in little-endian, first in big-endian UTF-16.
    zeros = {"utf-16-le": start[1::2].count(0), "utf-16-be": start[::2].count(0)}
    likely = max(zeros, key=lambda name: zeros[name])
    if 4 * zeros[likely] < len(start) or encoding.startswith("utf-16"):
        return None
    return FlagAdvice(
        f"{file} is not in {_shown(encoding)}: it looks like UTF-16",
        f"say so with --encoding={likely}",
        f"save it in {_shown(encoding)}",
    )


def undecodable(file: Path, encoding: str, error: UnicodeError) -> UserError:
    """The error of bytes that are not in this encoding, with one that they may be in.

    Args:
        file: the file.
        encoding: as which it was read.
        error: Python's.
    """
    if wide := _of_two_bytes(file, encoding):
        return wide
    if not encoding.startswith(("utf-16", "utf-32")):
        with unpacked(file) as data:
            for line, content in enumerate(data, 1):
                try:
                    content.decode(encoding)
                except UnicodeDecodeError as wrong:
                    return _wrong_byte(f"{file}, row {line}", encoding, content, wrong.start)
    return FlagAdvice(
        f"{file} cannot be read as text in {_shown(encoding)}: {error}",
        "say another with --encoding",
        f"save it in {_shown(encoding)}",
    )


def _wrong_byte(where: str, encoding: str, content: bytes, place: int) -> UserError:
    likely = _likely(content)
    shown = content[max(0, place - 10) : place + 10].decode(likely, "replace").strip()
    byte = f"byte 0x{content[place]:02x}"
    return FlagAdvice(
        f"{where} is not in {_shown(encoding)} ({byte})",
        f"as {likely} it reads '{shown}': if that is right, add --encoding={likely}",
        f"as {likely} it reads '{shown}': save the file in {_shown(encoding)}",
    )


def _likely(content: bytes) -> str:
    """An encoding in which these bytes are text: Windows's of western Europe unless it has no such
    characters."""
    # cp1252 has five unassigned bytes; latin-1 assigns all, so it never fails.
    with contextlib.suppress(UnicodeDecodeError):
        content.decode("cp1252")
        return "cp1252"
    return "latin-1"


def _shown(encoding: str) -> str:
    return encoding.removesuffix("-sig").upper()
