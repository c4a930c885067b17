"""The battery over the registry: every architecture at its tiny setting; and networks that fail
each check."""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import pytest

import research.catalogue  # noqa: F401
from research.errors import UserError
from research.models.layers.forward import Forward
from research.models.layers.sites import Site
from research.registry import ARCHITECTURES, Architecture
from research.testing import conformance, subjects
from research.testing.conformance import CHECKS
from research.testing.subjects import Subject
from tests.support.networks import NETWORKS

architecture = functools.cache(subjects.architecture)  # its checks share what is planned


@pytest.mark.parametrize("check", CHECKS.values(), ids=list(CHECKS))
@pytest.mark.parametrize("name", NETWORKS)
def test_every_architecture_passes(name: str, check: Callable[[Subject], None]) -> None:
    check(architecture(name))


class Peeks(nn.Module):
    """Reads the other examples of the batch."""

    outputs: int

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        return nn.Dense(self.outputs)(x.reshape(len(x), -1) - x.mean())


class Idle(nn.Module):
    """Has a layer that changes nothing."""

    outputs: int

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        x = x.reshape(len(x), -1)
        nn.Dense(3, name="idle")(x)
        return nn.Dense(self.outputs)(x)


class Noisy(nn.Module):
    """Drops in evaluation too."""

    outputs: int

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        share = 1.0 if not fwd.members else 0.5
        return nn.Dense(self.outputs)(Site("hidden")(x.reshape(len(x), -1) * share, fwd))


class Wide(nn.Module):
    """Has one output too many."""

    outputs: int

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        return nn.Dense(self.outputs + 1)(x.reshape(len(x), -1))


@pytest.mark.parametrize(
    ("network", "check", "message"),
    [
        (Wide, conformance.shapes, r"arch=wide returns \[1, 4\] of one example; expected \[B, 3\]"),
        (Idle, conformance.gradients, "no gradient reaches .*idle/bias"),
        (Peeks, conformance.independence, "change by .* with what else is in the batch"),
        (Noisy, conformance.dropout_off_in_eval, "dropout changes what is evaluated"),
    ],
)
def test_what_is_wrong_is_found(
    network: Any, check: Callable[[Subject], None], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = network.__name__.lower()  # programs of one name share what is compiled
    monkeypatch.setitem(
        ARCHITECTURES._entries, name, Architecture(name, network, "one that is wrong")
    )
    with pytest.raises((AssertionError, UserError), match=message):
        check(subjects.subject(arch=name))
