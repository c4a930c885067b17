"""What a column of texts is taken for: numbers, categories, or refused in a line that says what can
be done."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from research.data.csv_columns import CsvColumn
from research.data.csv_numbers import Format
from research.data.csv_target import target_like, target_of
from research.data.csv_values import check_complete, check_one_hot, like, numbers_of, values_of
from research.errors import UserError

NAN = np.nan
PLAIN = Format()


def column(*cells: str) -> CsvColumn:
    return CsvColumn(Path("t.csv"), "a", pa.array(cells, pa.string()))


NUMBERS = [
    (["1", "-2.5", "3e2", "+4", ".5", "6."], PLAIN, [1, -2.5, 300, 4, 0.5, 6]),
    (["−5", "3"], PLAIN, [-5, 3]),  # U+2212
    (["5,7", "1,3", "0"], Format(decimal=","), [5.7, 1.3, 0]),
    (["1.234,5", "7", "1.000.000"], Format(decimal=",", thousands="."), [1234.5, 7, 1e6]),
    (
        ["1.0", "0.0", "1"],
        Format(decimal=",", thousands="."),
        [1, 0, 1],
    ),  # another program's labels
    (["1.5", "2.250"], Format(decimal=","), [1.5, 2.25]),
    (["1,250", "12", "1,000,000.5"], Format(thousands=","), [1250, 12, 1000000.5]),
    (["1 250", "1 250", "12"], Format(thousands=" "), [1250, 1250, 12]),  # U+202F and a blank
    (["1'250", "1’250"], Format(thousands="'"), [1250, 1250]),
    (["63%", "64 %"], Format(numbers=("a",)), [63, 64]),
    (["$ 63.00", "-$5", "$-5"], Format(numbers=("a",)), [63, -5, -5]),
    (["$1,250.00"], Format(thousands=",", numbers=("a",)), [1250]),
    (["(1,250)", "3"], Format(thousands=",", numbers=("a",)), [-1250, 3]),
    (["70 kg", "68 kg", "n.a."], Format(numbers=("a",)), [70, 68, NAN]),
    (["01000", "2000"], Format(numbers=("a",)), [1000, 2000]),
    (["1234567890123456", "1"], Format(numbers=("a",)), [1234567890123456, 1]),
    (["-", "-", "-", "1", "2.5"], PLAIN, [NAN, NAN, NAN, 1, 2.5]),
    (
        ["--", ".", "#N/A", "<NA>", "NULL", "None", "NaN", "?", "", "na", "#DIV/0!", "1"],
        PLAIN,
        [NAN] * 11 + [1],
    ),
    (["-999", "1", "2"], Format(missing=("-999",)), [NAN, 1, 2]),
    (["0.0", "0", "-0"], PLAIN, [0, 0, 0]),
]


@pytest.mark.parametrize(("cells", "form", "expected"), NUMBERS)
def test_numbers(cells: list[str], form: Format, expected: list[float]) -> None:
    values = values_of(column(*cells), form)
    assert values.categories == ()
    np.testing.assert_array_equal(values.numbers, expected)


CATEGORIES = [
    (["red", "", "blue", "?"], PLAIN, ["red", None, "blue", None], []),
    (
        ["NA", "DE", "FR"],
        PLAIN,
        ["NA", "DE", "FR"],
        ["'NA' is a text; --missing=NA reads it as a missing value"],
    ),
    (["NA", "DE", "FR"], Format(missing=("NA",)), [None, "DE", "FR"], []),
    (["None", "N/A", "BrkFace"], PLAIN, ["None", None, "BrkFace"], ["'None' is a text"]),
    (["NA", "?", "DE", ""], Format(categories=("a",)), ["NA", "?", "DE", None], []),
    (
        ["01000", "20000"],
        PLAIN,
        ["01000", "20000"],
        ["codes with leading zeros ('01000')", "--numbers=a reads it as"],
    ),
    (["1.5", "2", "-"], Format(categories=("a",)), ["1.5", "2", "-"], []),
    (["S", "M", "38"], PLAIN, ["S", "M", "38"], ["has numbers ('38') and texts ('M')"]),
    (["1", "b", "c"], PLAIN, ["1", "b", "c"], ["has numbers ('1')"]),
    (["12A", "12B", "12C", "13D"], PLAIN, ["12A", "12B", "12C", "13D"], []),  # seats, not amperes
    ([f"{grade}th" for grade in range(4, 12)], PLAIN, [f"{grade}th" for grade in range(4, 12)], []),
    (
        ["20-29", "30-39", "40+"],
        PLAIN,
        ["20-29", "30-39", "40+"],
        ["column 'a' has ranges ('20-29') and is read as 3 categories; for a quantity write one"],
    ),
    (["20-29", "30-39"], Format(categories=("a",)), ["20-29", "30-39"], []),
    (["0x1F", "0xA0"], PLAIN, ["0x1F", "0xA0"], ["hexadecimal numbers ('0x1F')"]),
    (["5 ± 1", "7±2"], PLAIN, ["5 ± 1", "7±2"], ["values with an uncertainty ('5 ± 1')"]),
    (["1.2.3", "1.2.4", "192.168.0.1"], PLAIN, ["1.2.3", "1.2.4", "192.168.0.1"], []),
    (["True", "False"], PLAIN, ["True", "False"], []),
    (["2020-01-05", "2020-01-06"], Format(categories=("a",)), ["2020-01-05", "2020-01-06"], []),
]


@pytest.mark.parametrize(("cells", "form", "expected", "notes"), CATEGORIES)
def test_categories(
    cells: list[str], form: Format, expected: list[str | None], notes: list[str]
) -> None:
    values = values_of(column(*cells), form)
    assert list(values.categories) == sorted({name for name in expected if name is not None})
    named = [None if np.isnan(place) else values.categories[int(place)] for place in values.numbers]
    assert named == expected
    assert len(values.notes) == bool(notes)
    assert all(note in values.notes[0] for note in notes)


REFUSED = [
    (
        ["5,7", "1,3", "0"],
        PLAIN,
        ["row 2", "'5,7' is a number written with ','; --decimal=, reads it as 5.7"],
    ),
    (
        ["0", "1,250"],
        PLAIN,
        ["row 3", "--thousands=, reads it as 1250; --decimal=, reads it as 1.25;"],
    ),
    (
        ["1.234,56 €", "5,00 €"],
        PLAIN,
        ["with a sign; --decimal=, --thousands=. --numbers=a reads it as 1234.56"],
    ),
    (["1 250", "300"], PLAIN, ['--thousands=" " reads it as 1250']),
    (
        ["63%", "64%"],
        PLAIN,
        ["'63%' is a number with a sign; --numbers=a reads it as 63;", "--drop=a leaves it out"],
    ),
    (["63%", "64"], PLAIN, ["'63%' and '64' are numbers written in different ways"]),
    (
        ["63%", "64"],
        Format(numbers=("a",)),
        ["row 3", "'64' and '63%' are numbers written in different ways"],
    ),
    (["63 kg", "140 lb"], PLAIN, ["'63 kg' and '140 lb' are numbers written in different ways"]),
    (["<0.5", "1.2", "2.0"], PLAIN, ["'<0.5' and '1.2' are numbers", "--missing='<0.5'"]),
    (["5,7", "1.3"], PLAIN, ["'5,7' and '1.3' are numbers written in different ways"]),
    (["1.250", "2"], Format(decimal=","), ["'1.250' is a number written with '.'"]),
    (["1.250", "1.0"], Format(decimal=",", thousands="."), ["'1.0' is a number written with '.'"]),
    (
        ["2020-01-05", "2020-02-29"],
        PLAIN,
        ["'2020-01-05' is a date", "--drop=a", "--categories=a", "--time=a"],
    ),
    (["05.01.2020 12:30", "x"] + ["06.01.2020 12:30"] * 3, PLAIN, ["row 2", "is a date"]),
    (["12:30", "13:45 PM"], PLAIN, ["'12:30' is a date or a time"]),
    (
        [f"2024013{day}" for day in (0, 1)] + [f"2024020{day}" for day in (1, 2, 3)],
        PLAIN,
        ["'20240130' is a date"],
    ),
    (
        ["1", "2", "neg", "neg", "neg"],
        PLAIN,
        ["row 4", "'neg' is not a number, but 2 of", "--missing=neg reads it"],
    ),
    (["1", "2", "not done"], PLAIN, ["--missing='not done'"]),
    (
        ["1234567890123456", "1234567890123457"],
        PLAIN,
        ["has 16 digits, as ids have; --drop=a leaves"],
    ),
    (
        ["1_000", "2", "3"],
        PLAIN,
        ["'1_000' is a number written with '_'; --thousands=_ reads it as 1000"],
    ),
    (["inf", "1"], PLAIN, ["'inf' is not a finite number"]),
    (["", "?"], PLAIN, ["column 'a' has no values; --drop=a leaves it out"]),
]


@pytest.mark.parametrize(("cells", "form", "says"), REFUSED)
def test_refused(cells: list[str], form: Format, says: list[str]) -> None:
    with pytest.raises(UserError) as error:
        values_of(column(*cells), form)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith("t.csv, ")
    assert all(text in message for text in says), message


def test_a_column_that_must_be_numbers() -> None:
    np.testing.assert_array_equal(numbers_of(column("1", "NA"), PLAIN), [1, NAN])
    with pytest.raises(UserError, match=r"'u' is not a number; a series is of numbers$"):
        numbers_of(column("u", "v", "1"), PLAIN, "a series is of numbers")
    with pytest.raises(
        UserError, match=r"'5,7' is a number written with ','; --decimal=, reads it as 5.7; a"
    ):
        numbers_of(column("5,7", "1,3"), PLAIN, "a series is of numbers")


def test_what_is_missing_is_named() -> None:
    with pytest.raises(
        UserError, match=r"t.csv, row 3, column 'a': the value is missing \('-'\); fill it in"
    ):
        check_complete(column("1", "-"), np.array([1, NAN]), "fill it in")
    with pytest.raises(UserError, match="the value is missing; fill it in"):
        check_complete(column("1", ""), np.array([1, NAN]), "fill it in")


def test_too_many_categories() -> None:
    names = column(*(f"name {number}" for number in range(40)))
    with pytest.raises(
        UserError, match=r"40 different texts in 40 rows, like names or ids, .*; --drop=a"
    ):
        check_one_hot(names, values_of(names, PLAIN), PLAIN)
    codes = column(*(f"0{number}" for number in range(40)))
    with pytest.raises(UserError, match="--numbers=a reads it as numbers"):
        check_one_hot(codes, values_of(codes, PLAIN), PLAIN)


def test_rows_that_are_counted_are_noted() -> None:
    (note,) = values_of(column(*map(str, range(1, 21))), PLAIN).notes
    assert note == "column 'a' counts the rows; --drop=a leaves it out"
    assert values_of(column(*map(str, range(2, 22))), PLAIN).notes == ()


def test_words_taken_for_missing_values_are_noted() -> None:
    (note,) = values_of(column("1", "-", "-", "NaN"), PLAIN).notes
    assert note == "column 'a': '-' is read as a missing value, in 2 of 4 rows"


def test_another_file_of_the_same_columns() -> None:
    np.testing.assert_array_equal(like(column("b", "", "a"), ("a", "b"), PLAIN), [1, NAN, 0])
    np.testing.assert_array_equal(
        like(column("NA", "a"), ("NA", "a"), PLAIN), [0, 1]
    )  # a text in training
    np.testing.assert_array_equal(like(column("NA", "5,5"), (), Format(decimal=",")), [NAN, 5.5])
    np.testing.assert_array_equal(like(column("63%"), (), Format(numbers=("a",))), [63])
    with pytest.raises(UserError, match="'NA' was not there in training"):
        like(column("NA", "a"), ("a", "b"), PLAIN)


def test_a_target_in_another_file() -> None:
    assert target_like(column("1", "0.0", "1.0", "+1"), ("0", "1"), PLAIN).tolist() == [1, 0, 1, 1]
    assert target_like(column("v", "NA"), ("NA", "v"), PLAIN).tolist() == [1, 0]
    assert target_like(
        column("1.0", "0.0"), ("0", "1"), Format(decimal=",", thousands=".")
    ).tolist() == [1, 0]
    assert target_like(column("1,5"), (), Format(decimal=",")).tolist() == [1.5]
    with pytest.raises(
        UserError,
        match=r"'2' is not one of the classes; .*leave the column out to have predictions",
    ):
        target_like(column("2"), ("0", "1"), PLAIN)


def test_classes_are_named_as_the_column_spells_them() -> None:
    assert target_of(column("1.0", "0.0", "1"), "auto", PLAIN).classes == ("0", "1")
    assert target_of(column("-1", "+1", "-1"), "auto", PLAIN).classes == ("-1", "+1")
    assert target_of(column("0,5", "1,5"), "classification", Format(decimal=",")).classes == (
        "0,5",
        "1,5",
    )
    assert target_of(column("01", "02"), "auto", PLAIN).classes == ("01", "02")
    assert target_of(column("1", "2", "other", "1"), "classification", PLAIN).classes == (
        "1",
        "2",
        "other",
    )
