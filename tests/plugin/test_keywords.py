"""Keywords of the decorators that were renamed are still read by their old names."""

from typing import Any

import flax.linen as nn
import pytest

from research.errors import UserError
from research.plugin import architecture, regularizer
from research.registry import ARCHITECTURES, REGULARIZERS


@pytest.fixture(autouse=True)
def registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registries forget what a test adds."""
    for registry in (ARCHITECTURES, REGULARIZERS):
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))


def test_an_architecture() -> None:
    @architecture(tiny={"width": 4}, asks=("per_step",))  # type: ignore[call-arg]
    class OldNet(nn.Module):
        """A network."""

        outputs: int
        width: int
        per_step: bool = False

        def __call__(self, x: object, fwd: object) -> object:
            return x

    entry = ARCHITECTURES.get("old_net")
    assert entry.test_options == {"width": 4}
    assert entry.needs_facts == ("per_step",)


@pytest.mark.parametrize(
    ("old", "takes", "answers"),
    [
        ({}, ("numbers",), ("example",)),
        ({"inputs": (3,), "needs_facts": ("per_step",)}, ("image",), ("example", "pixel")),
        (
            {"inputs": (1, 2), "needs_facts": ("vocabulary", "padded", "per_step")},
            ("table", "series", "tokens", "padded series"),
            ("example", "step"),
        ),
        ({"features": {"a": "table"}}, {"a": "table"}, ("example",)),
    ],
)
def test_what_an_architecture_takes(old: Any, takes: Any, answers: Any) -> None:
    """Ranks of examples are read as the kinds that have so many axes."""

    @architecture(**old)
    def ranked_net(
        outputs: int, vocabulary: object = None, padded: bool = False, per_step: bool = False
    ) -> object:
        """A network."""
        return None

    entry = ARCHITECTURES.get("ranked_net")
    assert (entry.takes, entry.answers) == (takes, answers)


def test_a_regularizer() -> None:
    @regularizer("targets", "any", mixes=True, offset=False)
    def blend() -> object:
        """A mixture."""
        return lambda x, y, key, real=None: (x, y)

    entry = REGULARIZERS.get("blend")
    assert entry.mixes_examples
    assert not entry.has_bias


def test_a_text_in_place_of_a_function_is_refused() -> None:
    with pytest.raises(UserError, match="write 'my net' as the docstring"):
        architecture("my net")  # type: ignore[arg-type]
