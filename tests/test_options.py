"""Options: what a signature declares, and what is read and refused."""

from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.duration import Duration
from research.errors import UserError
from research.options import REQUIRED, Count, Positive, Probability, Range, format_value, options_of

TENTH = Duration(10, "%")


def builder(
    rate: Annotated[Probability, "a rate"],
    given: int = 0,
    *,
    size: Count = 3,
    word: Literal["a", "b"] = "a",
    flag: bool = False,
    widths: tuple[Count, ...] = (2,),
    limit: Positive | None = None,
    time: Duration = TENTH,
) -> None: ...


OPTIONS = {o.name: o for o in options_of(builder, given={"given"})}


def test_a_signature_declares_everything() -> None:
    assert list(OPTIONS) == ["rate", "size", "word", "flag", "widths", "limit", "time"]
    assert [name for name, o in OPTIONS.items() if o.numeric] == ["rate", "limit"]
    assert OPTIONS["rate"].default is REQUIRED
    assert OPTIONS["rate"].help == "a rate"
    assert OPTIONS["word"].choices == ("a", "b")
    assert OPTIONS["limit"].optional


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("rate", "0.5", 0.5),
        ("rate", 0, 0.0),
        ("size", "1e3", 1000),
        ("size", "4", 4),
        ("word", "b", "b"),
        ("flag", "True", True),
        ("flag", "0", False),
        ("widths", "4,5", (4, 5)),
        ("widths", [6], (6,)),
        ("widths", "", ()),
        ("limit", "none", None),
        ("limit", None, None),
        ("limit", "2", 2.0),
        ("time", "3epochs", Duration(3, "epochs")),
    ],
)
def test_read(name: str, text: object, value: object) -> None:
    parsed = OPTIONS[name].parse(text, name)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("rate", "1", "in \\[0, 1\\)"),
        ("rate", "nan", "a number"),
        ("rate", "inf", "a number"),
        ("rate", "x", "a number"),
        ("size", "0", ">= 1"),
        ("size", "1.5", "whole number"),
        ("size", "true", "whole"),
        ("size", True, "whole"),
        ("word", "c", "allowed are a, b"),
        ("flag", "maybe", "true or false"),
        ("widths", "4,0", ">= 1"),
        ("widths", "8,,8", "empty item"),
        ("widths", "8,", "empty item"),
        ("widths", ",", "empty item"),
        ("limit", "0", "> 0"),
        ("time", "soon", "time: .*duration"),
        ("rate", True, "a number"),
        ("rate", None, "a number"),
    ],
)
def test_refused(name: str, text: object, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        OPTIONS[name].parse(text, f"where.{name}")
    assert f"where.{name}" in str(caught.value)


def test_ranges() -> None:
    assert 1 in Range(1)
    assert 1 not in Range(1, low_open=True)
    assert str(Range(0, 1, high_open=True)) == "in [0, 1)"
    assert str(Range(0, 2**32 - 1)) == "in [0, 4294967295]"
    assert str(Range(0.5, low_open=True)) == "> 0.5"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_round_trip(value: float) -> None:
    assert float(format_value(value)) == value


@given(st.lists(st.integers(1, 10**6), max_size=4).map(tuple))
def test_tuples_round_trip(value: tuple[int, ...]) -> None:
    assert OPTIONS["widths"].parse(format_value(value), "") == value
