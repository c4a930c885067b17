"""Recurrent networks: their counts, PyTorch's outputs, gradients outside the loop, padding, both
ways and masks."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.models import gru, lstm, rnn
from research.models.layers.forward import Forward
from research.models.layers.recurrence import Cell, recurrence
from research.registry import ARCHITECTURES
from tests.support.networks import EVALUATION, NETWORKS, outputs, started

FAMILIES = ("rnn", "lstm", "gru", "min_gru")
TRAINING = Forward(
    train=True,
    members=(("variational_dropout", ()),),
    values={"variational_dropout": {"rate": jnp.float32(0.5)}},
    index=jnp.arange(3),
)


def built(name: str, outputs: int = 3, **options: Any) -> Any:
    return ARCHITECTURES.get(name).build(outputs=outputs, **{"hidden": 5, **options})


def parameters(name: str, shape: tuple[int, ...], **options: Any) -> dict[str, int]:
    """How many parameters each module has."""
    model = built(name, **options)
    x = jax.ShapeDtypeStruct((1, *shape), jnp.int32 if options.get("vocabulary") else jnp.float32)
    variables = jax.eval_shape(lambda x: model.init(jax.random.key(0), x, EVALUATION), x)
    return {
        k: sum(leaf.size for leaf in jax.tree.leaves(v)) for k, v in variables["params"].items()
    }


def normal(*shape: int, seed: int = 0) -> jax.Array:
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def test_the_published_counts_of_sequential_mnist() -> None:
    counts = parameters("lstm", (28, 28, 1), outputs=10, hidden=130, read="pixels", head_bias=False)
    assert counts == {"Cells_0": 4 * 130 * (1 + 130 + 1), "head": 1300}
    assert counts["Cells_0"] == 68_640
    assert sum(counts.values()) == 69_940
    counts = parameters("lstm", (784, 1), outputs=10, hidden=130)
    assert sum(counts.values()) == 69_950


def test_counts_by_hand() -> None:
    assert sum(parameters("rnn", (7, 2)).values()) == 5 * (2 + 5 + 1) + 6 * 3
    assert sum(parameters("gru", (7, 2)).values()) == 3 * 5 * (2 + 5 + 1) + 5 + 6 * 3
    assert sum(parameters("min_gru", (7, 2)).values()) == 2 * 5 * (2 + 1) + 6 * 3
    assert sum(parameters("jordan", (7, 2)).values()) == 5 * (2 + 3 + 1) + 6 * 3
    both = parameters("lstm", (7,), vocabulary=9, layers=2, bidirectional=True, per_step=True)
    first, second = 4 * 5 * (9 + 5 + 1), 4 * 5 * (10 + 5 + 1)
    assert both == {
        "Cells_0": first,
        "Cells_1": first,
        "Cells_2": second,
        "Cells_3": second,
        "head": 11 * 3,
    }
    embedded = parameters("gru", (7,), vocabulary=9, embedding=4)
    assert embedded["Steps_0"] == 36


# PyTorch
# ----------------------------------------------------------------------------------------------


def _weights(theirs: Any, suffix: str, gates: int) -> dict[str, Any]:
    """One way of PyTorch's layer as the parameters of our cells: its two biases are one, but for
    the GRU's last."""
    by = {
        k: theirs[f"{k}_{suffix}"].detach().numpy()
        for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    }
    bias, hidden = by["bias_ih"] + by["bias_hh"], by["weight_hh"].shape[1]
    recurrent = {"kernel": by["weight_hh"].T}
    if gates == 3:
        bias[2 * hidden :] = by["bias_ih"][2 * hidden :]
        recurrent["bias"] = by["bias_hh"][2 * hidden :]
    return {"input": {"kernel": by["weight_ih"].T, "bias": bias}, "recurrent": recurrent}


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(
    ("name", "gates", "options", "module"),
    [
        ("lstm", 4, {}, "LSTM"),
        ("gru", 3, {}, "GRU"),
        ("rnn", 1, {}, "RNN"),
        ("rnn", 1, {"nonlinearity": "relu"}, "RNN"),
    ],
    ids=lambda value: str(value),
)
def test_outputs_are_those_of_pytorch(
    name: str, gates: int, options: dict[str, str], module: str, bidirectional: bool
) -> None:
    """Outputs of two layers are PyTorch's; 1e-5 is float32 rounding over nine steps."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.manual_seed(0)
    shape = {
        "input_size": 4,
        "hidden_size": 6,
        "num_layers": 2,
        "batch_first": True,
        "bidirectional": bidirectional,
    }
    theirs = getattr(torch.nn, module)(**shape, **options)
    state = dict(theirs.named_parameters())
    suffixes = ["l0", "l0_reverse", "l1", "l1_reverse"] if bidirectional else ["l0", "l1"]
    width = 12 if bidirectional else 6
    params = {
        f"Cells_{place}": _weights(state, suffix, gates) for place, suffix in enumerate(suffixes)
    }
    params["head"] = {"kernel": np.eye(width, dtype=np.float32)}
    ours = built(
        name,
        width,
        hidden=6,
        layers=2,
        bidirectional=bidirectional,
        per_step=True,
        head_bias=False,
        **options,
    )
    x = np.random.default_rng(1).normal(size=(3, 9, 4)).astype(np.float32)
    expected = theirs(torch.tensor(x))[0].detach().numpy()
    np.testing.assert_allclose(outputs(ours, {"params": params}, x), expected, rtol=1e-5, atol=1e-5)


# Gradients
# --------------------------------------------------------------------------------------------

CELLS = [(rnn._tanh, 1, 1), (lstm.cell, 4, 2), (gru.cell, 3, 1)]


def _plain(
    cell: Cell,
    states: int,
    inputs: jax.Array,
    kernel: jax.Array,
    bias: jax.Array,
    kept: jax.Array,
    real: jax.Array,
) -> jax.Array:
    """The recurrence written out step by step."""
    state = tuple(jnp.zeros((inputs.shape[1], kernel.shape[0])) for _ in range(states))
    outputs = []
    for x, is_real in zip(inputs, real, strict=True):
        new = cell(state, x, (state[0] * kept) @ kernel + bias)
        state = tuple(jnp.where(is_real[:, None], a, b) for a, b in zip(new, state, strict=True))
        outputs.append(state[0])
    return jnp.stack(outputs)


@pytest.mark.parametrize(("cell", "gates", "states"), CELLS, ids=["rnn", "lstm", "gru"])
def test_gradients_are_those_of_the_loop_written_out(cell: Cell, gates: int, states: int) -> None:
    """The backward pass written by hand is that of the plain loop; 1e-5 is float32 rounding over
    six steps."""
    steps, batch, hidden = 6, 3, 4
    inputs, kernel = normal(steps, batch, gates * hidden), normal(hidden, gates * hidden, seed=1)
    bias, kept = normal(gates * hidden, seed=2), jnp.abs(normal(batch, hidden, seed=3))
    real = jnp.arange(steps)[:, None] < jnp.array([6, 4, 1])
    weights = normal(steps, batch, hidden, seed=4)
    zeros = tuple(jnp.zeros((batch, hidden)) for _ in range(states))

    def ours(*arrays: jax.Array) -> jax.Array:
        return jnp.sum(weights * recurrence(cell)(zeros, *arrays, kept, real))

    def plain(*arrays: jax.Array) -> jax.Array:
        return jnp.sum(weights * _plain(cell, states, *arrays, kept, real))

    got, expected = (
        jax.jit(jax.value_and_grad(of, (0, 1, 2)))(inputs, kernel, bias) for of in (ours, plain)
    )
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_min_gru_is_its_recursion() -> None:
    """An associative scan gives the states of the recursion, within float32 rounding."""
    model = built("min_gru", outputs=5, per_step=True, head_bias=False)
    x = normal(2, 7, 3)
    params = started(model, x)["params"]
    params["head"]["kernel"] = jnp.eye(5)
    z, new = np.split(x @ params["MinCells_0"]["input"]["kernel"], 2, axis=-1)
    h, expected = np.zeros((2, 5)), []
    for t in range(7):
        gate = 1 / (1 + np.exp(-z[:, t]))
        h = (1 - gate) * h + gate * new[:, t]
        expected.append(h)
    got = outputs(model, {"params": params}, x)
    np.testing.assert_allclose(got, np.stack(expected, 1), rtol=1e-5, atol=1e-6)


def test_jordan_sees_its_outputs() -> None:
    """Outputs are those of the recursion written out; 1e-5 is float32 rounding."""
    model = built("jordan", per_step=True)
    x = normal(2, 4, 3)
    params = jax.tree.map(
        lambda leaf: normal(*leaf.shape, seed=leaf.size), started(model, x)["params"]
    )
    context, expected = np.zeros((2, 3)), []
    for t in range(4):
        inside = (
            x[:, t] @ params["input"]["kernel"]
            + params["input"]["bias"]
            + context @ params["recurrent"]["kernel"]
        )
        y = np.tanh(inside) @ params["head"]["kernel"] + params["head"]["bias"]
        context = 1 / (1 + np.exp(-y))
        expected.append(y)
    np.testing.assert_allclose(
        outputs(model, {"params": params}, x), np.stack(expected, 1), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("name", [*FAMILIES, "jordan", "latent_ar"])
def test_truncation_cuts_gradients_between_pieces_and_nothing_else(name: str) -> None:
    """Of 6 steps in pieces of 3, dy_t/dx_s is what it was within a piece and zero between them;
    outputs stay."""
    options: dict[str, Any] = (
        {"hidden": 3} if name == "jordan" else {"hidden": 3, "bidirectional": True}
    )
    options = {"hidden": (3,)} if name == "latent_ar" else options
    whole, cut = (
        ARCHITECTURES.get(name).build(outputs=2, per_step=True, truncate=n, **options)
        for n in (None, 3)
    )
    x = normal(1, 6, 2)
    variables = started(whole, x)
    variables = jax.tree.map(lambda leaf: 0.5 * normal(*leaf.shape, seed=leaf.size), variables)

    @jax.jit
    def found(x: jax.Array) -> Any:
        both = [
            lambda x, model=model: model.apply(variables, x, EVALUATION)[0]
            for model in (whole, cut)
        ]
        return [(of(x), jax.jacrev(of)(x)[:, :, 0]) for of in both]

    (y, expected), (y_cut, got) = found(x)  # [T, K] and [T, K, T, D]
    np.testing.assert_allclose(y_cut, y, rtol=1e-5, atol=1e-6)
    same = np.kron(np.eye(2), np.ones((3, 3)))[:, None, :, None]
    np.testing.assert_allclose(got, expected * same, rtol=1e-4, atol=1e-5)
    assert np.abs(expected[3:, :, :3]).max() > 1e-3


@pytest.mark.parametrize(("cell", "gates", "states"), CELLS, ids=["rnn", "lstm", "gru"])
def test_truncated_gradients_are_those_of_the_loop_cut_by_hand(
    cell: Cell, gates: int, states: int
) -> None:
    """Pieces of 2, 2 and 1 steps, each begun with the last one's state as a constant."""
    inputs, kernel = normal(5, 3, gates * 4), normal(4, gates * 4, seed=1)
    weights, zeros = normal(5, 3, 4, seed=4), tuple(jnp.zeros((3, 4)) for _ in range(states))

    def ours(inputs: jax.Array, kernel: jax.Array) -> jax.Array:
        return jnp.sum(weights * recurrence(cell, 2)(zeros, inputs, kernel, None, None, None))

    def plain(inputs: jax.Array, kernel: jax.Array) -> jax.Array:
        state, total = zeros, 0.0
        for t in range(5):
            state = jax.lax.stop_gradient(state) if t % 2 == 0 else state
            state = cell(state, inputs[t], state[0] @ kernel)
            total += jnp.sum(weights[t] * state[0])
        return total

    both = [jax.jit(jax.value_and_grad(of, (0, 1)))(inputs, kernel) for of in (ours, plain)]
    for a, b in zip(*map(jax.tree.leaves, both), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


# Sequences
# --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("name", FAMILIES)
def test_padding_changes_nothing(name: str, bidirectional: bool, per_step: bool) -> None:
    """Padded steps change no state; another length may sum in another order, within float32
    rounding."""
    model = built(name, vocabulary=6, layers=2, bidirectional=bidirectional, per_step=per_step)
    short = jax.random.randint(jax.random.key(1), (2, 5), 0, 6)
    variables = started(model, short)
    padded = jnp.pad(short, ((0, 0), (0, 4)), constant_values=-1)
    got, expected = outputs(model, variables, padded), outputs(model, variables, short)
    np.testing.assert_allclose(got[:, :5] if per_step else got, expected, rtol=1e-6, atol=1e-6)


READERS = [name for name in NETWORKS if "padded series" in ARCHITECTURES.get(name).takes]


@pytest.mark.parametrize("name", READERS)
def test_the_padding_of_numbers_changes_nothing(name: str) -> None:
    """Neither that it is there nor what stands beside a NaN: outputs and gradients are those of the
    bare series."""
    entry = ARCHITECTURES.get(name)
    model = entry.build(outputs=3, padded=True, **entry.test_options)
    x = normal(2, 4, 2)
    params = started(model, x)["params"]

    @jax.jit
    def found(x: jax.Array) -> Any:
        def total(params: Any) -> Any:
            outputs = model.apply({"params": params}, x, EVALUATION)
            return jnp.sum(outputs**2), outputs

        return jax.grad(total, has_aux=True)(params)

    padded = jnp.pad(x, ((0, 0), (0, 2), (0, 0)), constant_values=jnp.nan)
    expected, others = found(x), [found(padded), found(padded.at[:, 4:, 0].set(5.0))]
    for other in others:
        for a, b in zip(jax.tree.leaves(other), jax.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [*FAMILIES, "jordan"])
def test_the_past_does_not_see_the_future(name: str) -> None:
    model = built(name, per_step=True)
    x = normal(2, 6, 3)
    variables = started(model, x)
    before, after = (outputs(model, variables, each) for each in (x, x.at[:, 4:].add(1.0)))
    np.testing.assert_array_equal(before[:, :4], after[:, :4])
    assert (before[:, 4:] != after[:, 4:]).all()


def test_an_image_is_read_by_rows_or_by_pixels() -> None:
    x = normal(2, 4, 3, 2)
    for read, shape in (("rows", (2, 4, 6)), ("pixels", (2, 12, 2))):
        model = built("rnn", read=read)
        variables = started(model, x)
        series = outputs(built("rnn"), variables, x.reshape(shape))
        np.testing.assert_array_equal(outputs(model, variables, x), series)


def test_the_forget_bias_begins_as_told() -> None:
    for fwd, expected in (
        (EVALUATION, 1.0),
        (Forward(numbers={"forget_bias": jnp.float32(10)}), 10.0),
    ):
        bias = started(built("lstm"), normal(1, 3, 2), fwd)["params"]["Cells_0"]["input"]["bias"]
        np.testing.assert_array_equal(bias, np.repeat([0, expected, 0, 0], 5))


def test_the_mask_is_the_same_at_every_step() -> None:
    """Of a network that passes on what it reads: relu(x), an identity, so that what is missing is
    what was dropped."""
    model = built("rnn", outputs=4, hidden=4, nonlinearity="relu", per_step=True, head_bias=False)
    x = jnp.ones((3, 6, 4))
    params = {
        "Cells_0": {
            "input": {"kernel": jnp.eye(4), "bias": jnp.zeros(4)},
            "recurrent": {"kernel": jnp.zeros((4, 4))},
        },
        "head": {"kernel": jnp.eye(4)},
    }
    y = outputs(
        model, {"params": params}, x, TRAINING, rngs={"variational_dropout": jax.random.key(3)}
    )
    assert {0.0, 4.0} == set(np.unique(y))  # 2 of the inputs' mask times 2 of the outputs'
    np.testing.assert_array_equal(y, y[:, :1].repeat(6, 1))
    assert (y[0] != y[1]).any()
    np.testing.assert_array_equal(outputs(model, {"params": params}, x), x)
