"""Names that were garbled are repaired, and names that are right stay as they are."""

import contextlib

import pytest

from research.data.garbled import repaired

WRITTEN = ("Zürich", "Łódź", "naïve", "“quoted”", "Привет", "שלום", "東京", "20 °C", "ไทย", "😀")
TAKEN_FOR = ("latin-1", "cp1252", "cp1251", "cp437", "cp850", "mac_roman")


@pytest.mark.parametrize("encoding", TAKEN_FOR)
def test_names_that_were_taken_for_another_encoding_are_repaired(encoding: str) -> None:
    tried = 0
    for name in WRITTEN:
        with contextlib.suppress(UnicodeDecodeError):  # such a program would have stopped there
            wrong = name.encode().decode(encoding)
            tried += 1
            assert repaired(wrong) == name
            with contextlib.suppress(UnicodeDecodeError):
                assert repaired(wrong.encode().decode(encoding)) == name
    assert tried >= 4


@pytest.mark.parametrize(
    "name", [*WRITTEN, "CAFÉ”", "»KÖ«", "2×3–4", "a&b", "AT&T;", "À “bien”", "ɔ", "Ð", "é\u0301"]
)
def test_names_that_are_right_stay(name: str) -> None:
    assert repaired(name) == name


def test_entities_of_html_are_letters() -> None:
    assert repaired("R&amp;D, Z&uuml;rich") == "R&D, Zürich"
    assert repaired("&#1;") == "&#1;"
