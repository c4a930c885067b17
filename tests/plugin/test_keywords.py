"""Keywords of the decorators that were renamed are still read by their old names."""

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
    @architecture(tiny={"width": 4}, asks=("per_step",))
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
        architecture("my net")
