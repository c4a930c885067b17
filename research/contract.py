"""Contracts: what the functions of a user's own part must return, checked while they are traced."""

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
from research.tasks.objectives.game import Game
from research.tasks.objectives.turn import Aux
from research.tasks.problem import Problem

# (arguments, result) -> what is wrong with the result, or "".
Check = Callable[[tuple[Any, ...], Any], str]


def of_kind(name: str, result: Any, kind: Any, right: str = "") -> Any:
    """The result of a user's function, checked for its type: a `return` is easily forgotten.

    Args:
        name: the user's function, for the message.
        result: what it returned.
        kind: the type that it must have.
        right: code to write instead, for the message.

    Raises:
        UserError: if the type is another.
    """
    if not isinstance(result, kind):
        instead = f"; write {right}" if right else ""
        raise UserError(f"{name} returns a {type(result).__name__}, not a {kind.__name__}{instead}")
    return result


def regularizer(name: str, result: Any, slot: str, site: str) -> Any:
    """A transformation that is checked for what the engine expects of its slot and site.

    Args:
        name: the regularizer's name, for messages.
        result: what its builder returned.
        slot: the slot, such as loss.
        site: the site, such as kernels.
    """
    kind, check = CONTRACTS.get(f"{slot} {site}") or CONTRACTS[slot]
    of_kind(name, result, kind)
    return result if check is None else _checked(name, result, check)


def problem(name: str, result: Any) -> Problem:
    """A task's problem, held to its shapes. Raises UserError if `better` has other words than
    higher and lower."""
    result = of_kind(name, result, Problem)
    for metric, word in result.better.items():
        if word not in ("higher", "lower"):
            raise UserError(
                f"{name}: better[{metric!r}] is {word!r}; allowed are 'higher', 'lower'"
            )
    return dataclasses.replace(
        result,
        encode=_checked(f"{name}: encode", result.encode, _targets),
        example_metrics=_checked(
            f"{name}: example_metrics", result.example_metrics, _one_an_example
        ),
        summary=result.summary and _checked(f"{name}: summary", result.summary, _numbers),
    )


def game(name: str, result: Any) -> Game:
    """An objective's game, whose losses are held to a number and an Aux."""
    result = of_kind(name, result, Game, "return Game(players, loss)")
    known = result.metrics or ()

    def flaw(arguments: tuple[Any, ...], returned: Any) -> str:
        player = arguments[0]
        if not (isinstance(returned, tuple) and len(returned) == 2):
            return f"{_described(returned)} for '{player}'; expected (loss, Aux())"
        value, aux = returned
        if jnp.shape(value) != ():
            return f"{_described(value)} for '{player}'; expected a loss of shape []"
        if not isinstance(aux, Aux):
            return f"a {type(aux).__name__} for '{player}' beside the loss; expected an Aux"
        for metric, number in aux.metrics.items():
            if metric not in known:
                return f"the metric '{metric}', which Game(metrics=...) does not name"
            if jnp.shape(number) != ():
                return f"{_described(number)} as '{metric}'; expected a number, as batch.mean gives"
        return ""

    return dataclasses.replace(result, loss=_checked(f"{name}: loss", result.loss, flaw))


def loss(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A loss, held to one value for each example or step of its outputs."""
    return _checked(name, function, _without_the_last_axis)


def metric(name: str, function: Callable[..., Any], whole: bool) -> Callable[..., Any]:
    """A metric that is checked to return a number per example, or one number for a whole split.

    Args:
        name: the metric's name, for messages.
        function: the metric.
        whole: whether it reads a whole split.
    """
    return _checked(name, function, _a_number if whole else _a_number_each)


def factors(name: str, result: Any, steps: int) -> np.ndarray:
    """A schedule's factors, float64 [steps].

    Args:
        name: the schedule's name, for messages.
        result: what its builder returned.
        steps: steps of the training.

    Raises:
        UserError: the result is not [steps] finite numbers.
    """
    try:
        values = np.asarray(result, np.float64)
    except (TypeError, ValueError):
        raise UserError(
            f"{name} returns {_described(result)}; expected the factors of {steps} steps, [{steps}]"
        ) from None
    if values.shape != (steps,):
        raise UserError(
            f"{name} returns {_described(values)}; expected the factors of {steps} steps, [{steps}]"
        )
    if not np.isfinite(values).all():
        raise UserError(
            f"{name} returns a factor that is not finite at step"
            f" {int(np.argmin(np.isfinite(values)))}"
        )
    return values


def _checked(name: str, function: Callable[..., Any], check: Check) -> Callable[..., Any]:
    # Shapes are known while tracing, so the check costs nothing when the program runs.
    def checked(*arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        if flaw := check(arguments, result):
            raise UserError(f"{name} returns {flaw}")
        return result

    # Partials and jitted callables may have no name to copy.
    return functools.update_wrapper(checked, function) if hasattr(function, "__name__") else checked


def _described(value: Any) -> str:
    """A value in a message: its type and shape if it is an array."""
    return (
        f"{value.dtype} {list(value.shape)}"
        if hasattr(value, "dtype")
        else f"a {type(value).__name__}"
    )


def _like_the_first(arguments: tuple[Any, ...], result: Any) -> str:
    first = arguments[0]
    same = hasattr(result, "dtype") and (result.shape, result.dtype) == (first.shape, first.dtype)
    return (
        ""
        if same
        else f"{_described(result)}, and is given {_described(first)}; the two must be alike"
    )


def _of_the_same_rank(arguments: tuple[Any, ...], result: Any) -> str:
    """Of an image a part may be returned (crop), of a row of a table all columns."""
    first = arguments[0]
    if getattr(result, "ndim", None) == first.ndim > 1:
        return ""
    return _like_the_first(arguments, result)


def _a_number(arguments: tuple[Any, ...], result: Any) -> str:
    return (
        ""
        if result is not None and jnp.shape(result) == ()
        else f"{_described(result)}; expected one number"
    )


def _without_the_last_axis(arguments: tuple[Any, ...], result: Any) -> str:
    outputs = jnp.shape(arguments[0])
    # A loss of several targets is one of the whole example.
    expected = outputs[:1] if isinstance(arguments[1], dict) else outputs[:-1]
    if hasattr(result, "shape") and result.shape == expected:
        return ""
    return (
        f"{_described(result)} of outputs {list(outputs)}; expected a loss each, {list(expected)}"
    )


def _count(y: Any) -> int:
    """How many examples the targets are of."""
    return len(jax.tree.leaves(y)[0])


def _a_number_each(arguments: tuple[Any, ...], result: Any) -> str:
    count = _count(arguments[1])
    sound = hasattr(result, "shape") and result.shape == (count,)
    return "" if sound else f"{_described(result)}; expected a number per example, [{count}]"


def _both(arguments: tuple[Any, ...], result: Any) -> str:
    if not isinstance(result, tuple) or len(result) != 2:
        return f"{_described(result)}; expected inputs and targets, (x, y)"
    # The network was initialised for these shapes, and the program is compiled for them.
    return _like_the_first(arguments, result[0]) or _like_the_first(arguments[1:], result[1])


def _of_the_same_leaves(arguments: tuple[Any, ...], result: Any) -> str:
    same = jax.tree.map(jnp.shape, result) == jax.tree.map(jnp.shape, arguments[1])
    return (
        ""
        if same
        else f"{_described(result)}; expected a mean of the parameters, a tree of the same shapes"
    )


def _targets(arguments: tuple[Any, ...], result: Any) -> str:
    y, width = arguments[:2]
    if isinstance(y, dict):  # of several targets a loss takes what it likes
        return ""
    shape = jnp.shape(result) if hasattr(result, "shape") else ()
    if len(shape) > 1 and (shape[0], shape[-1]) == (y.shape[0], width):
        return ""
    expected = f"[{y.shape[0]}, ..., {width}]"
    return f"{_described(result)} of y {list(y.shape)}; expected targets {expected}"


def _one_an_example(arguments: tuple[Any, ...], result: Any) -> str:
    if not isinstance(result, Mapping):
        return f"{_described(result)}; expected a dictionary of metrics"
    count = _count(arguments[1])
    wrong = next((name for name, values in result.items() if jnp.shape(values) != (count,)), None)
    return (
        ""
        if wrong is None
        else f"{_described(result[wrong])} as {wrong!r}; expected one number an example, [{count}]"
    )


def _numbers(arguments: tuple[Any, ...], result: Any) -> str:
    if not isinstance(result, Mapping):
        return f"{_described(result)}; expected a dictionary of metrics"
    wrong = next(
        (name for name, value in result.items() if not isinstance(value, int | float)), None
    )
    return "" if wrong is None else f"{_described(result[wrong])} as {wrong!r}; expected a float"


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
