"""Contracts: what the functions of a user's own part must return, told by name and shape while they
are traced."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
import pytest

from research import contract
from research.errors import UserError
from research.options import options_of
from research.tasks import regression
from research.tasks.problem import Problem

W, Y = jnp.ones((4, 3)), jnp.ones((5, 3))
TREE = {"kernel": W}


@pytest.mark.parametrize(
    ("slot", "site", "function", "arguments", "message"),
    [
        ("loss", "kernels", lambda w: None, (W,), "mine returns a NoneType; expected one number"),
        (
            "loss",
            "hidden",
            lambda h: h,
            (W[0],),
            r"mine returns float32 \[3\]; expected one number",
        ),
        (
            "projection",
            "norm",
            lambda w, rate: w[:2],
            (W, 0.1),
            r"float32 \[2, 3\], and is given float32 \[4, 3\]",
        ),
        (
            "parameters",
            "kernels",
            lambda w, key: 0.0,
            (W, None),
            r"mine returns a float, and is given",
        ),
        (
            "activations",
            "hidden",
            lambda x, key: x.astype(jnp.float16),
            (W, None),
            r"float16 \[4, 3\], and is given",
        ),
        (
            "data",
            "any",
            lambda x, key, train: x[:2],
            (W[0], None, True),
            r"float32 \[2\], and is given float32 \[3\]",
        ),
        (
            "data",
            "image",
            lambda x, key, train: x[0],
            (jnp.ones((4, 4, 1)), None, True),
            r"float32 \[4, 1\], and is",
        ),
        (
            "targets",
            "any",
            lambda x, y, key: y,
            (W, Y, None),
            r"float32 \[5, 3\]; expected inputs and targets",
        ),
        (
            "targets",
            "any",
            lambda x, y, key: (x, y[:, :1]),
            (W, Y, None),
            r"\[5, 1\], and is given float32 \[5, 3\]",
        ),
        (
            "average",
            "parameters",
            lambda mean, params, step, steps: params["kernel"],
            (TREE, TREE, 0, 9),
            "a tree of",
        ),
    ],
)
def test_a_transformation_is_held_to_its_slot(
    slot: str, site: str, function: Callable[..., Any], arguments: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        jax.eval_shape(lambda: contract.regularizer("mine", function, slot, site)(*arguments))


def test_what_keeps_its_contract_is_left_alone() -> None:
    assert contract.regularizer("mine", lambda w: (w**2).sum(), "loss", "kernels")(W) == 12
    cropped = contract.regularizer("mine", lambda x, key, train: x[1:], "data", "image")(
        jnp.ones((4, 4, 1)), None, True
    )
    assert cropped.shape == (3, 4, 1)
    mean = contract.regularizer(
        "mine", lambda mean, params, step, steps: params, "average", "parameters"
    )
    assert mean(None, TREE, 0, 9) is TREE
    update = optax.identity()
    assert contract.regularizer("mine", update, "update", "gradient") is update


def problem(**changes: Any) -> Problem:
    own: dict[str, Any] = {
        "encode": regression.encode,
        "decode": regression.decode,
        "example_metrics": regression.example_metrics,
        "summary": regression.summary,
        "better": {"mse": "lower"},
    }
    return contract.problem("mine", Problem(**{**own, **changes}))


def test_a_task_is_held_to_its_shapes() -> None:
    y, scores = jnp.arange(4.0), jnp.zeros((4, 1))
    sound = problem()
    assert sound.encode(y, 1, jnp.float32(0), jnp.float32(1)).shape == (4, 1)
    assert set(sound.example_metrics(scores, y)) == {"mse", "mae"}
    forgotten = problem(encode=lambda y, width, shift, scale: y)
    with pytest.raises(
        UserError, match=r"encode returns float32 \[4\] of y \[4\]; expected targets \[4, ..., 1\]"
    ):
        forgotten.encode(y, 1, jnp.float32(0), jnp.float32(1))
    with pytest.raises(
        UserError, match=r"float32 \[4, 1\] as 'mse'; expected one number an example, \[4\]"
    ):
        problem(example_metrics=lambda scores, y: {"mse": scores}).example_metrics(scores, y)
    with pytest.raises(
        UserError, match="example_metrics returns a NoneType; expected a dictionary of metrics"
    ):
        problem(example_metrics=lambda scores, y: None).example_metrics(scores, y)
    with pytest.raises(
        UserError, match=r"summary returns float32 \[4\] as 'mse'; expected a float"
    ):
        problem(summary=lambda scores, y: {"mse": y}).summary(scores, y)  # type: ignore[misc]
    with pytest.raises(
        UserError, match=r"better\['mse'\] is 'lowr'; allowed are 'higher', 'lower'"
    ):
        problem(better={"mse": "lowr"})


def test_an_option_without_a_type_is_named() -> None:
    def untyped(strength=0.1):  # type: ignore[no-untyped-def]
        return strength

    with pytest.raises(
        UserError, match=r"strength=0.1 of untyped lacks its type; write `strength: float`"
    ):
        options_of(untyped)
