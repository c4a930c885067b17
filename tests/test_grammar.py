"""The grammar: hand-worked texts, round trips, and nothing but UserErrors."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research import grammar
from research.errors import UserError
from research.grammar import Call


def test_split_stops_at_brackets() -> None:
    assert grammar.split("a, f(b, [c, d]) ,e", ",") == ["a", "f(b, [c, d])", "e"]
    assert grammar.split("", ",") == [""]
    assert grammar.split("x|y(1|2)", "|") == ["x", "y(1|2)"]


def test_items() -> None:
    assert grammar.items("dropout=0.5, max_norm=2") == [("dropout", "0.5"), ("max_norm", "2")]
    assert grammar.items("elastic_net(l1=1e-4,l2=1e-4)") == [(None, "elastic_net(l1=1e-4,l2=1e-4)")]
    assert grammar.items("a=f(b=1)") == [("a", "f(b=1)")]


def test_value() -> None:
    assert grammar.value(" 0.5 ") == "0.5"
    call = grammar.value("chain(clip(1.0), scale_by_adam(b1=0.9))")
    assert call == Call(
        "chain",
        ((None, Call("clip", ((None, "1.0"),))), (None, Call("scale_by_adam", (("b1", "0.9"),)))),
    )
    assert str(call) == "chain(clip(1.0),scale_by_adam(b1=0.9))"
    assert grammar.value("f()") == Call("f")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,,b", "empty item"),
        ("a=", "name=value"),
        ("=3", "name=value"),
        ("f(1", "never closes"),
        ("f)1", "never opened"),
        ("1a=2", "name=value"),
        ("a,", "empty item"),
    ],
)
def test_bad_lists(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        grammar.items(text)


@pytest.mark.parametrize(
    "text", ["f(1)(2)", "f(1)x", "1f(2)", "(1)", "f(1", "f(,)", "f(a=)", "f((1)", "f(1))"]
)
def test_bad_values(text: str) -> None:
    with pytest.raises(UserError):
        grammar.value(text)


@given(st.text(alphabet="ab1.=,()[]| _", max_size=24))
def test_only_user_errors(text: str) -> None:
    for parse in (grammar.items, grammar.value, lambda t: grammar.split(t, "|")):
        with contextlib.suppress(UserError):
            parse(text)


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.]{0,6}", fullmatch=True)
atoms = st.from_regex(r"[A-Za-z0-9.+-]{1,6}", fullmatch=True)
values = st.recursive(
    atoms,
    lambda inner: st.builds(
        Call, names, st.lists(st.tuples(st.none() | names, inner), max_size=3).map(tuple)
    ),
    max_leaves=8,
)


@given(values)
def test_text_round_trip(tree: str | Call) -> None:
    assert grammar.value(str(tree)) == tree
