"""The vision transformer: patches, counts, gradients, and what it says of images that do not
fit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.errors import UserError
from research.models.vit import patches
from research.registry import ARCHITECTURES
from tests.support.engine import run
from tests.support.networks import EVALUATION, outputs, started

TINY = {"arch": "vit", "arch.patch": 3, "arch.width": 8, "arch.heads": 2, "arch.layers": 1}


def test_patches_by_hand() -> None:
    image = jnp.arange(2 * 4 * 6).reshape(1, 4, 6, 2)
    got = patches(image, 2)
    assert got.shape == (1, 6, 8)
    np.testing.assert_array_equal(got[0, 4], image[0, 2:4, 2:4].reshape(-1))  # row 1, column 1


@pytest.mark.parametrize("pooling", ["token", "mean"])
def test_parameters_by_arithmetic(pooling: str) -> None:
    """ViT-Tiny's blocks on a CIFAR image in patches of 4."""
    model = ARCHITECTURES.get("vit").build(
        outputs=10, layers=12, heads=3, width=192, patch=4, pooling=pooling
    )
    variables = jax.eval_shape(
        lambda: model.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)), EVALUATION)
    )
    count = sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))
    token = pooling == "token"
    block = 4 * 192 * 192 + 4 * 192 + 2 * 192 * 768 + 768 + 192 + 4 * 192
    assert block == 444_864
    assert (
        count
        == (48 * 192 + 192) + (64 + token) * 192 + token * 192 + 12 * block + 2 * 192 + 193 * 10
    )


def test_evaluation_is_of_each_image_alone() -> None:
    model = ARCHITECTURES.get("vit").build(outputs=3, layers=2, heads=2, width=8, patch=3)
    x = jax.random.normal(jax.random.key(1), (4, 6, 6, 1))
    variables = started(model, x)
    whole, other = (np.asarray(outputs(model, variables, seen)) for seen in (x, x.at[1:].set(7.0)))
    np.testing.assert_array_equal(whole[0], other[0])
    assert (whole[1:] != other[1:]).any()


def test_what_does_not_fit_is_said_before_training() -> None:
    with pytest.raises(
        UserError,
        match=r"patches of 4x4 do not divide an image of 6x6; arch.patch=1 or 2 or 3 or 6",
    ):
        run(**{**TINY, "arch.patch": 4})
    with pytest.raises(UserError, match=r"3 heads do not divide a width of 8"):
        run(**{**TINY, "arch.heads": 3})
    with pytest.raises(
        UserError, match=r"attention_dropout acts on attention weights .*arch=mlp has none"
    ):
        run(regularization="attention_dropout=0.1")
    with pytest.raises(
        UserError, match="batch_norm acts on hidden layers to normalize, and arch=vit has none"
    ):
        run(**TINY, regularization="batch_norm")
