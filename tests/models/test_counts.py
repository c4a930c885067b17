"""Parameter counts of the image networks, as published or by arithmetic; shapes alone are worked
out, no memory."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import research.catalogue  # noqa: F401
from research import config as config_lib
from research.models.layers.forward import Forward
from research.registry import ARCHITECTURES

MNIST, ZHANG, CIFAR, IMAGENET = (28, 28, 1), (28, 28, 3), (32, 32, 3), (224, 224, 3)


def parameters(
    name: str, outputs: int, shape: tuple[int, ...], normalization: str | None, options: Any
) -> int:
    """normalization: regularizers, or None for the architecture's own."""
    entry = ARCHITECTURES.get(name)
    own = entry.normalization or "none"
    members = config_lib.regularizers(own if normalization is None else normalization)
    fwd = Forward(members=tuple((part.name, part.options) for part in members))
    model = entry.build(outputs=outputs, **options)
    variables = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, *shape)), fwd))
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


@pytest.mark.parametrize(
    ("expected", "name", "outputs", "shape", "normalization", "options"),
    [
        (61_706, "lenet5", 10, MNIST, None, {}),
        # Zhang et al. 2017, Table 1
        (1_387_786, "alexnet_small", 10, ZHANG, None, {}),
        (1_649_402, "inception_small", 10, ZHANG, None, {}),
        (1_649_402, "inception_small", 10, ZHANG, "none", {}),
        # The UvA deep-learning tutorials
        (272_378, "resnet", 10, CIFAR, None, {"shortcut": "linear"}),
        (
            272_250,
            "resnet",
            10,
            CIFAR,
            None,
            {"preactivation": True, "shortcut": "normalized", "head_norm": False},
        ),
        (239_146, "densenet", 10, CIFAR, None, {}),
        (259_338, "googlenet", 10, CIFAR, None, {}),
        # He et al. 2016, Table 6: 0.27 million; by hand 267,696 weights, 2·688 of norms, a head of
        # 650
        (269_722, "resnet", 10, CIFAR, None, {"shortcut": "identity"}),
        (269_722, "resnet", 10, CIFAR, None, {"shortcut": "none"}),
        (36_479_194, "wide_resnet", 10, CIFAR, None, {}),
        # torchvision's
        (138_357_544, "vgg", 1000, IMAGENET, None, {"dense": (4096, 4096)}),
        (132_863_336, "vgg", 1000, IMAGENET, None, {"depth": "11", "dense": (4096, 4096)}),
        (11_689_512, "resnet", 1000, IMAGENET, None, {"layout": "imagenet", "depth": 18}),
        (21_797_672, "resnet", 1000, IMAGENET, None, {"layout": "imagenet", "depth": 34}),
        (25_557_032, "resnet", 1000, IMAGENET, None, {"layout": "imagenet", "depth": 50}),
    ],
)
def test_counts(
    expected: int,
    name: str,
    outputs: int,
    shape: tuple[int, ...],
    normalization: str | None,
    options: Any,
) -> None:
    assert parameters(name, outputs, shape, normalization, options) == expected
