"""The temporal convolutional network: PyTorch's convolutions, causality, what it sees, its
count."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.models.tcn import taps
from research.registry import ARCHITECTURES
from tests.support.networks import EVALUATION, outputs, started


def built(**options):
    return ARCHITECTURES.get("tcn").build(
        **{"outputs": 3, "channels": 4, "levels": 2, "kernel": 3, **options}
    )


def test_taps_by_hand() -> None:
    x = jnp.arange(1.0, 6.0).reshape(1, 5, 1)
    np.testing.assert_array_equal(
        taps(x, 3, 2)[0], [[1, 0, 0], [2, 0, 0], [3, 1, 0], [4, 2, 0], [5, 3, 1]]
    )
    np.testing.assert_array_equal(taps(x, 3, 2**70)[0], x[0] * jnp.array([1, 0, 0]))


@pytest.mark.parametrize("dilation", [1, 4])
def test_a_convolution_is_that_of_pytorch(dilation: int) -> None:
    """Outputs are PyTorch's; 1e-5 is float32 rounding of sums in another order."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.manual_seed(0)
    theirs = torch.nn.Conv1d(2, 5, 3, dilation=dilation, padding=2 * dilation)
    x = np.random.default_rng(0).normal(size=(2, 9, 2)).astype(np.float32)
    expected = theirs(torch.tensor(x).swapaxes(1, 2))[..., :9].swapaxes(1, 2).detach().numpy()
    weight = theirs.weight.detach().numpy()[
        :, :, ::-1
    ]  # its last tap reads the present, ours the first
    kernel = weight.transpose(2, 1, 0).reshape(6, 5)
    got = taps(jnp.asarray(x), 3, dilation) @ kernel + theirs.bias.detach().numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_a_block_by_hand() -> None:
    """act(W x + conv(conv(x))), and the next block without the map."""
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 7, 2)), jnp.float32)
    model = built(per_step=True)
    variables = started(model, x)
    params = variables["params"]

    def dense(h, p):
        return h @ p["kernel"] + p["bias"]

    h = x
    for level in range(2):
        branch = h
        for place in range(2):
            branch = jax.nn.relu(
                dense(
                    taps(branch, 3, 2**level), params[f"HiddenDense_{2 * level + place}"]["Dense_0"]
                )
            )
        h = jax.nn.relu((dense(h, params["Dense_0"]) if level == 0 else h) + branch)
    expected = dense(h, params["head"])
    np.testing.assert_allclose(outputs(model, variables, x), expected, rtol=1e-5, atol=1e-5)
    last = outputs(built(per_step=False), variables, x)
    np.testing.assert_allclose(last, expected[:, -1], rtol=1e-5, atol=1e-5)


def test_it_sees_so_many_steps_of_the_past_and_none_of_the_future() -> None:
    """1 + 2 (3 - 1) (2² - 1) = 13 steps, itself included."""
    model = built(per_step=True, activation="tanh")
    x = jnp.asarray(np.random.default_rng(0).normal(size=(1, 30, 2)), jnp.float32)
    variables = started(model, x)
    moved = jax.jit(jax.jacobian(lambda x: model.apply(variables, x, EVALUATION)[0, 20].sum()))(x)[
        0
    ]
    assert list(np.flatnonzero(np.abs(np.asarray(moved)).sum(-1))) == list(range(8, 21))


def test_padding_changes_nothing() -> None:
    """Padded steps reach no output; another length may sum in another order, within float32
    rounding."""
    short = jax.random.randint(jax.random.key(1), (2, 5), 0, 6)
    padded = jnp.pad(short, ((0, 0), (0, 4)), constant_values=-1)
    model = built(vocabulary=6)
    variables = started(model, short)
    seen, expected = (outputs(model, variables, x) for x in (padded, short))
    np.testing.assert_allclose(seen, expected, rtol=1e-6, atol=1e-6)


def test_the_count_of_the_published_setting() -> None:
    """Kernel 7, 8 levels, 25 channels on pixels: the first convolution, 15 others, a map of one
    channel, a head."""
    model = built(outputs=10, channels=25, levels=8, kernel=7, read="pixels")
    x = jax.ShapeDtypeStruct((1, 28, 28, 1), jnp.float32)
    params = jax.eval_shape(lambda x: model.init(jax.random.key(0), x, EVALUATION), x)["params"]
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    assert count == (7 + 1) * 25 + 15 * (7 * 25 + 1) * 25 + 2 * 25 + 26 * 10 == 66_510
