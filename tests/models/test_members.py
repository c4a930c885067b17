"""Members inside an MLP: BatchEnsemble and TabM."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.errors import UserError
from research.models.mlp import MLP
from research.models.sizes import sizes
from research.testing import conformance, subjects
from research.training.step import objective
from tests.support.engine import run
from tests.support.networks import outputs, started

X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
ADAPTERS = ("tabm", "batch_ensemble")


def redrawn(tree: Any) -> Any:
    """The variables with every number drawn anew, so that no adapter is one and no bias zero."""
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), tree)


@pytest.mark.parametrize(
    ("adapters", "count"),
    [
        # A hidden layer of 4·8 weights, and each member's 4 + 8 adapters and 8 biases.
        ("tabm", 4 * 8 + 3 * (4 + 8 + 8) + 3 * (8 * 2 + 2)),
        ("batch_ensemble", 4 * 8 + 3 * (4 + 8 + 8) + 8 * 2 + 3 * (8 + 2 + 2)),
    ],
)
def test_parameters_are_counted_by_hand(adapters: str, count: int) -> None:
    assert sizes(MLP(2, (8,), members=3, adapters=adapters), [4]) == ((3, 2), count)


@pytest.mark.parametrize("adapters", ADAPTERS)
def test_each_member_is_an_mlp_of_its_own_weights(adapters: str) -> None:
    """In numpy, member m's layer has the weights W ∘ (r_m s_m')."""
    model = MLP(2, (8, 6), members=3, adapters=adapters)
    variables = redrawn(started(model, X))
    got = outputs(model, variables, X)
    params = variables["params"]
    head = params[{"tabm": "MemberHeads_0", "batch_ensemble": "MemberDense_0"}[adapters]]
    for m in range(3):
        h = X
        for layer in ("HiddenDense_0", "HiddenDense_1"):
            h = np.maximum(dense(params[layer]["MemberDense_0"], h, m), 0)
        if adapters == "tabm":
            expected = h @ head["kernel"][:, 2 * m : 2 * m + 2] + head["bias"][m]
        else:
            expected = dense(head, h, m)
        np.testing.assert_allclose(got[:, m], expected, rtol=1e-5, atol=2e-6)


def dense(layer: Any, x: np.ndarray, m: int) -> np.ndarray:
    return x @ (layer["kernel"] * np.outer(layer["r"][m], layer["s"][m])) + layer["bias"][m]


def test_members_start_where_their_paper_says() -> None:
    """Adapters of signs or ones, and heads that differ by far more than rounding."""

    def of(adapters: str) -> Any:
        return started(MLP(2, (8, 8), members=3, adapters=adapters), X)["params"]

    tabm, signs = of("tabm"), of("batch_ensemble")
    first, second = (tabm[f"HiddenDense_{i}"]["MemberDense_0"] for i in range(2))
    assert set(np.unique(first["r"])) == {-1, 1}
    assert set(np.unique(np.concatenate([first["s"], second["r"], second["s"]]))) == {1}
    layers = [signs[f"HiddenDense_{i}"]["MemberDense_0"] for i in range(2)]
    layers += [signs["MemberDense_0"]]
    assert all(set(np.unique(layer[name])) == {-1, 1} for layer in layers for name in "rs")
    heads = tabm["MemberHeads_0"]["kernel"]
    # Glorot of [8, 2], whatever the number of members.
    assert np.abs(heads).max() <= np.sqrt(6 / 10)
    assert not np.allclose(heads[:, :2], heads[:, 2:4])


@pytest.mark.parametrize("adapters", ADAPTERS)
def test_one_member_with_adapters_of_ones_is_the_plain_mlp(adapters: str) -> None:
    """Multiplying by ones changes nothing but the order of sums: float32 rounding."""
    plain = MLP(2, (8,), residual=True)
    model = MLP(2, (8,), residual=True, members=1, adapters=adapters)
    weights = redrawn(started(plain, X))["params"]
    variables = jax.tree.map(jnp.ones_like, started(model, X))["params"]
    hidden, expected = variables["HiddenDense_0"]["MemberDense_0"], weights["HiddenDense_0"]
    (head,) = (name for name in variables if name != "HiddenDense_0")
    for layer, source in ((hidden, expected["Dense_0"]), (variables[head], weights["Dense_0"])):
        layer["kernel"] = source["kernel"]
        layer["bias"] = source["bias"][None]
    got = outputs(model, {"params": variables}, X)[:, 0]
    np.testing.assert_allclose(got, outputs(plain, {"params": weights}, X), rtol=1e-6)


def test_the_loss_and_the_prediction_are_means_over_members() -> None:
    """The loss of members' losses; the prediction of their probabilities."""
    of = run(arch__members=3)
    logits = np.log([[[0.5, 0.5], [0.9, 0.1], [0.4, 0.6]]]).astype(np.float32)
    targets = np.array([[0.0, 1.0]], np.float32)
    lane: Any = type("Lane", (), {"target_shift": 0.0, "target_scale": 1.0})
    loss = objective.losses(of.program, jnp.array(logits), jnp.array(targets))
    np.testing.assert_allclose(loss, [-np.log([0.5, 0.1, 0.6]).mean()], rtol=1e-6)
    scores = objective.scores(of.program, lane, jnp.array(logits))
    np.testing.assert_allclose(np.exp(scores), [[0.6, 0.4]], rtol=1e-6)
    of = run(regression=True, arch__members=2)
    lane.target_shift, lane.target_scale = 10.0, 2.0
    values = jnp.array([[[1.0], [2.0]]])
    np.testing.assert_allclose(objective.losses(of.program, values, jnp.zeros((1, 1))), [2.5])
    np.testing.assert_allclose(objective.scores(of.program, lane, values), [[13.0]])


@pytest.mark.parametrize("check", conformance.CHECKS)
def test_members_pass_the_battery(check: str) -> None:
    conformance.CHECKS[check](subjects.subject(**subjects.NETWORK, **{"arch.members": 3}))


def test_a_plain_mlp_keeps_its_run_id() -> None:
    assert run(arch__adapters="tabm").id == run().id != run(arch__members=1).id


def test_adapters_apply_only_with_members() -> None:
    with pytest.raises(UserError, match=r"applies only with arch\.members"):
        run(arch__adapters="batch_ensemble")
