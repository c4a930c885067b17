"""Contracts: what the functions of a user's own part must return; they are held to it while they
are traced."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from research.errors import UserError
from research.regularization.stopping import Stopping
from research.regularization.weights import Reparametrization
from research.tasks.problem import Problem

# What is wrong with what a function made of its arguments, or "".
Check = Callable[[tuple[Any, ...], Any], str]


def of_kind(name: str, made: Any, kind: Any, right: str = "") -> Any:
    """What `name` has returned. Raises UserError if it is of another kind: a `return` is easily
    forgotten.

    right: what to write instead.
    """
    if not isinstance(made, kind):
        instead = f"; write {right}" if right else ""
        raise UserError(f"{name} returns a {type(made).__name__}, not a {kind.__name__}{instead}")
    return made


def regularizer(name: str, made: Any, slot: str, site: str) -> Any:
    """A transformation of that slot and site, held to what the engine expects of it."""
    kind, check = CONTRACTS.get(f"{slot} {site}") or CONTRACTS[slot]
    of_kind(name, made, kind)
    return made if check is None else _held(name, made, check)


def problem(name: str, made: Any) -> Problem:
    """A task's problem, held to its shapes. Raises UserError if `better` has other words than
    higher and lower."""
    made = of_kind(name, made, Problem)
    for metric, word in made.better.items():
        if word not in ("higher", "lower"):
            raise UserError(
                f"{name}: better[{metric!r}] is {word!r}; allowed are 'higher', 'lower'"
            )
    return dataclasses.replace(
        made,
        encode=_held(f"{name}: encode", made.encode, _targets),
        example_metrics=_held(f"{name}: example_metrics", made.example_metrics, _one_an_example),
        summary=made.summary and _held(f"{name}: summary", made.summary, _numbers),
    )


def loss(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A loss, held to one value for each example or step of its outputs."""
    return _held(name, function, _without_the_last_axis)


def metric(name: str, function: Callable[..., Any], whole: bool) -> Callable[..., Any]:
    """A metric, held to a number per example, or to one number of a whole split."""
    return _held(name, function, _a_number if whole else _a_number_each)


def factors(name: str, made: Any, steps: int) -> np.ndarray:
    """A schedule's factors, float64 [steps]. Raises UserError if they are not."""
    try:
        values = np.asarray(made, np.float64)
    except (TypeError, ValueError):
        raise UserError(
            f"{name} returns {_said(made)}; expected the factors of {steps} steps, [{steps}]"
        ) from None
    if values.shape != (steps,):
        raise UserError(
            f"{name} returns {_said(values)}; expected the factors of {steps} steps, [{steps}]"
        )
    if not np.isfinite(values).all():
        raise UserError(
            f"{name} returns a factor that is not finite at step"
            f" {int(np.argmin(np.isfinite(values)))}"
        )
    return values


def _held(name: str, function: Callable[..., Any], check: Check) -> Callable[..., Any]:
    def held(*arguments: Any, **named: Any) -> Any:
        made = function(*arguments, **named)
        if flaw := check(arguments, made):
            raise UserError(f"{name} returns {flaw}")
        return made

    return functools.update_wrapper(held, function) if hasattr(function, "__name__") else held


def _said(value: Any) -> str:
    """A value in a message: its type and shape if it is an array."""
    return (
        f"{value.dtype} {list(value.shape)}"
        if hasattr(value, "dtype")
        else f"a {type(value).__name__}"
    )


def _like_the_first(arguments: tuple[Any, ...], made: Any) -> str:
    first = arguments[0]
    same = hasattr(made, "dtype") and (made.shape, made.dtype) == (first.shape, first.dtype)
    return "" if same else f"{_said(made)}, and is given {_said(first)}; the two must be alike"


def _of_the_same_rank(arguments: tuple[Any, ...], made: Any) -> str:
    """Of an image a part may be returned (crop), of a row of a table all columns."""
    first = arguments[0]
    if getattr(made, "ndim", None) == first.ndim > 1:
        return ""
    return _like_the_first(arguments, made)


def _a_number(arguments: tuple[Any, ...], made: Any) -> str:
    return (
        "" if made is not None and jnp.shape(made) == () else f"{_said(made)}; expected one number"
    )


def _without_the_last_axis(arguments: tuple[Any, ...], made: Any) -> str:
    expected = jnp.shape(arguments[0])[:-1]
    shape = list(expected)
    sound = hasattr(made, "shape") and made.shape == expected
    return (
        ""
        if sound
        else (
            f"{_said(made)} of outputs {list(jnp.shape(arguments[0]))}; expected a loss each,"
            f" {shape}"
        )
    )


def _a_number_each(arguments: tuple[Any, ...], made: Any) -> str:
    count = len(arguments[1])
    sound = hasattr(made, "shape") and made.shape == (count,)
    return "" if sound else f"{_said(made)}; expected a number per example, [{count}]"


def _both(arguments: tuple[Any, ...], made: Any) -> str:
    if not isinstance(made, tuple) or len(made) != 2:
        return f"{_said(made)}; expected inputs and targets, (x, y)"
    return _like_the_first(arguments, made[0]) or _like_the_first(arguments[1:], made[1])


def _of_the_same_leaves(arguments: tuple[Any, ...], made: Any) -> str:
    same = jax.tree.map(jnp.shape, made) == jax.tree.map(jnp.shape, arguments[1])
    return (
        ""
        if same
        else f"{_said(made)}; expected a mean of the parameters, a tree of the same shapes"
    )


def _targets(arguments: tuple[Any, ...], made: Any) -> str:
    y, width = arguments[:2]
    sound = (
        hasattr(made, "shape")
        and made.ndim > 1
        and (made.shape[0], made.shape[-1]) == (y.shape[0], width)
    )
    return (
        ""
        if sound
        else f"{_said(made)} of y {list(y.shape)}; expected targets [{y.shape[0]}, ..., {width}]"
    )


def _one_an_example(arguments: tuple[Any, ...], made: Any) -> str:
    if not isinstance(made, Mapping):
        return f"{_said(made)}; expected a dictionary of metrics"
    count = len(arguments[1])
    wrong = next((name for name, values in made.items() if jnp.shape(values) != (count,)), None)
    return (
        ""
        if wrong is None
        else f"{_said(made[wrong])} as {wrong!r}; expected one number an example, [{count}]"
    )


def _numbers(arguments: tuple[Any, ...], made: Any) -> str:
    if not isinstance(made, Mapping):
        return f"{_said(made)}; expected a dictionary of metrics"
    wrong = next((name for name, value in made.items() if not isinstance(value, int | float)), None)
    return "" if wrong is None else f"{_said(made[wrong])} as {wrong!r}; expected a float"


class Contract(NamedTuple):
    """What a transformation is, and, of a function, what it must return."""

    kind: Any
    check: Check | None = None


# By slot, or slot and site.
CONTRACTS: Mapping[str, Contract] = {
    "data": Contract(Callable, _of_the_same_rank),
    "targets": Contract(Callable, _both),
    "parameters kernels": Contract(Callable, _like_the_first),
    "parameters reparametrization": Contract(Reparametrization),
    "normalization": Contract(nn.Module),
    "activations": Contract(Callable, _like_the_first),
    "loss": Contract(Callable, _a_number),
    "update": Contract(optax.GradientTransformation),
    "projection": Contract(Callable, _like_the_first),
    "average": Contract(Callable, _of_the_same_leaves),
    "stopping": Contract(Stopping),
}
