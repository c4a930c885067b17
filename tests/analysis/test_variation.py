"""What a caption says of the differences between seeds, and that it is so."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest

from research.analysis.variation import variation
from research.models.ar import NGram
from research.models.free_parameter import FreeParameter
from research.models.gru import GRU
from research.models.layers.forward import Forward
from research.models.linear import Linear
from research.models.mlp import MLP
from research.registry import load_package

load_package("research.models")


def seeds(count: int = 2, follows: bool = False, **config: str) -> list[dict[str, str]]:
    splits = [str(seed) if follows else "0" for seed in range(count)]
    return [{"seed": str(seed), "split_seed": split, **config} for seed, split in enumerate(splits)]


@pytest.mark.parametrize("task", ["language_model", "forecast"])
def test_windows_are_cut_at_the_same_places_by_every_seed(task):
    text = variation(seeds(follows=True, task=task, train_size="none"))
    assert text == (
        "Seeds differ in the initialisation, the order of the data and the noise. Every seed"
        " cuts the sequence into the same training, validation and test parts."
    )
    drawn = variation(seeds(follows=True, task=task, train_size="100"))
    assert "the noise and which training windows are drawn. Every seed cuts" in drawn
    kept = variation(seeds(task=task, train_size="100"))
    assert "windows are drawn" not in kept


def test_rows_that_start_alike_are_named():
    alike = seeds(arch="linear", **{"arch.kernel_init": "zeros"})
    assert variation(alike).startswith("Seeds differ in the order of the data and the noise.")
    mixed = variation([*alike, *seeds(arch="mlp", **{"arch.kernel_init": "auto"})])
    assert mixed.startswith("Seeds differ in the initialisation, the order")
    assert "linear: every seed starts from the same parameters." in mixed


@pytest.mark.parametrize(
    ("module", "config"),
    [
        (Linear(3), {"arch": "linear", "arch.kernel_init": "zeros"}),
        (Linear(3, kernel_init="he_normal"), {"arch": "linear", "arch.kernel_init": "he_normal"}),
        (MLP(3), {"arch": "mlp", "arch.kernel_init": "auto"}),
        (MLP(3, kernel_init="zeros"), {"arch": "mlp", "arch.kernel_init": "zeros"}),
        (FreeParameter(3), {"arch": "point"}),
        (NGram(3, bins=4), {"arch": "ngram"}),
        (
            GRU(3, kernel_init="zeros"),
            {"arch": "gru", "arch.kernel_init": "zeros", "arch.recurrent_init": "orthogonal"},
        ),
    ],
    ids=lambda value: value.get("arch") if isinstance(value, dict) else None,
)
def test_initialisation_is_said_to_vary_where_it_does(module: nn.Module, config: dict[str, str]):
    starts = [
        jax.tree.leaves(module.init(jax.random.key(seed), jnp.ones((2, 5)), Forward()))
        for seed in (0, 1)
    ]
    differs = any((a != b).any() for a, b in zip(*starts, strict=True))
    assert ("initialisation" in variation(seeds(**config))) == differs
