"""Garbled names: those whose letters were lost or mistaken as a file changed its encoding, such as
`ZÃ¼rich`."""

import contextlib
import html
import unicodedata
from collections.abc import Iterable, Iterator

# As what programs take text in UTF-8 by mistake: Windows's encodings of the west and of Cyrillic,
# those of DOS, by which unzip reads names of files, and old Macs'.
_MISTAKEN = ("cp1252", "cp1251", "cp437", "cp850", "mac_roman")
# Letters that no usual orthography has; quotes after a capital would give them by chance.
_UNUSUAL = range(0x180, 0x300)
_LOST = "\ufffd"


def garbled(names: Iterable[str], what: str, encoding: str = "utf-8") -> Iterator[str]:
    """Notes on names that are probably not as they were written first.

    Args:
        names: texts of one kind.
        what: of what they are names, such as `column 'a'`.
        encoding: in which their file is read.
    """
    odd = [name for name in names if not name.isascii() or "&" in name]
    if lost := next((name for name in odd if _LOST in name), None):
        yield (
            f"{what}: '{lost}' has a replacement character: letters were lost when the file was"
            " written in another encoding"
        )
    wrong = [(name, right) for name in odd if (right := repaired(name)) != name]
    if wrong:
        name, right = wrong[0]
        more = f" (and {len(wrong) - 1} more like it)" if len(wrong) > 1 else ""
        remedy = (
            "correct it at its source"
            if encoding.lower().startswith("utf")
            else f"leave --encoding={encoding} out if the file is in UTF-8"
        )
        yield f"{what}: '{name}' is probably '{right}'{more}, garbled by another program; {remedy}"


def repaired(name: str) -> str:
    """The name as it probably was before programs mistook its encoding or left HTML's entities in
    it; most names are as they are."""
    plain = html.unescape(name) if ";" in name else name
    if not plain:  # HTML has no such letter
        return name
    if plain.isascii():
        return plain
    for encoding in _MISTAKEN:
        with contextlib.suppress(UnicodeError):
            # What was saved wrongly once was often saved so twice.
            right = repaired(b"".join(_byte(letter, encoding) for letter in plain).decode("utf-8"))
            if _is_usual(right):
                return right
    return plain


def _byte(letter: str, encoding: str) -> bytes:
    # Some bytes of Windows's encodings have no letter; programs keep them as control characters.
    if encoding.startswith("cp125") and 0x80 <= ord(letter) < 0xA0:
        return bytes([ord(letter)])
    return letter.encode(encoding)


def _is_usual(text: str) -> bool:
    """Whether a text may be what a person wrote."""
    return not any(
        ord(letter) in _UNUSUAL
        or (unicodedata.category(letter)[0] == "C" and letter not in "\u200d\ufeff")
        for letter in text
        if not letter.isascii()
    ) and not unicodedata.category(text[0]).startswith("M")
