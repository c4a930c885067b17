"""The transformer encoder: counts, padding, pooling, series of numbers and answers at each step."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.registry import ARCHITECTURES
from tests.support.networks import EVALUATION, outputs, started

V, B, T, K = 7, 3, 6, 4
LENGTHS = np.array([6, 4, 2])


def encoder(**options: Any) -> Any:
    small = {"layers": 1, "heads": 2, "width": 8, "context": 8, "vocabulary": V, "per_step": False}
    return ARCHITECTURES.get("transformer_encoder").build(outputs=K, **{**small, **options})


def tokens(seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).integers(0, V, (B, T)).astype(np.int32)
    return np.where(np.arange(T) < LENGTHS[:, None], x, -1)


def variables(model: Any, x: Any) -> Any:
    made = started(model, x)["params"]
    draw = np.random.default_rng(0)
    return {
        "params": jax.tree.map(
            lambda w: w + 0.3 * draw.normal(size=w.shape).astype(np.float32), made
        )
    }


def test_parameters_by_arithmetic() -> None:
    model = ARCHITECTURES.get("transformer_encoder").build(
        outputs=2, vocabulary=100, per_step=False, layers=6, heads=8, width=512, hidden=2048
    )
    made = jax.eval_shape(
        lambda: model.init(jax.random.key(0), jnp.zeros((1, 3), jnp.int32), EVALUATION)
    )
    count = sum(leaf.size for leaf in jax.tree.leaves(made["params"]))
    layer = 4 * 512 * 512 + 4 * 512 + 2 * 512 * 2048 + 2048 + 512 + 4 * 512
    assert layer == 3_152_384  # torch.nn.TransformerEncoderLayer(512, 8)'s
    assert count == 100 * 512 + 6 * layer + 2 * 512 + 513 * 2


@pytest.mark.parametrize(
    "options", [{}, {"pooling": "first", "order": "post"}, {"positions": "rotary"}], ids=str
)
def test_padding_changes_nothing(options: dict[str, Any]) -> None:
    """A sequence's outputs are its own: without its padding, and whatever lies beside it."""
    model, x = encoder(**options), tokens()
    made = variables(model, x)
    whole = outputs(model, made, x)
    for row, length in enumerate(LENGTHS):
        alone = outputs(model, made, x[row : row + 1, :length])
        np.testing.assert_allclose(alone[0], whole[row], rtol=1e-5, atol=1e-6)
    assert whole.shape == (B, K)


def test_an_answer_at_each_step() -> None:
    model, x = encoder(per_step=True), tokens()
    out = outputs(model, variables(model, x), x)
    assert out.shape == (B, T, K)


def test_series_of_numbers() -> None:
    x = np.random.default_rng(0).normal(size=(B, T, 3)).astype(np.float32)
    model = encoder(vocabulary=None, positions="learned")
    made = variables(model, x)
    assert outputs(model, made, x).shape == (B, K)
    assert made["params"]["Dense_0"]["kernel"].shape == (3, 8)


def test_places_are_told_apart() -> None:
    """A sequence and its reverse have outputs that differ by far more than rounding."""
    x = np.array([[1, 2, 3], [3, 2, 1]], np.int32)
    for positions in ("learned", "sinusoidal", "rotary"):
        model = encoder(positions=positions)
        out = outputs(model, variables(model, x), x)
        assert not np.allclose(out[0], out[1], rtol=1e-3)
