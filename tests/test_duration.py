"""Durations: what is read, what it comes to in steps, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.duration import Duration
from research.errors import UserError


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("500", 500),
        ("500steps", 500),
        ("1step", 1),
        ("3epochs", 60),
        ("1epoch", 20),
        ("0.5epochs", 10),
        ("5%", 10),
        ("0", 0),
        ("100%", 200),
        (" 7 ", 7),
        ("2 epochs", 40),
        ("0.2%", 0),
        ("0.25%", 1),
        (".5epochs", 10),
    ],
)
def test_steps(text: str, steps: int) -> None:
    """200 steps in 10 epochs of 20; halves are rounded up."""
    assert Duration.parse(text).steps(steps_per_epoch=20, total_steps=200) == steps


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "1e3", "5 percent", "101%", "1.5", "3epoch s", "nan", "%", "5%%"]
)
def test_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"duration|100%|whole number"):
        Duration.parse(text)


@given(st.integers(0, 10**6), st.sampled_from(["", "epochs", "%"]))
def test_text_round_trip(amount: int, unit: str) -> None:
    amount = amount % 101 if unit == "%" else amount
    duration = Duration.parse(f"{amount}{unit}")
    again = Duration.parse(str(duration))
    assert again == duration


@given(st.text(max_size=12))
def test_only_user_errors(text: str) -> None:
    try:
        duration = Duration.parse(text)
    except UserError:
        return
    assert duration.steps(steps_per_epoch=3, total_steps=9) >= 0
