"""The transformations of optax that a chain can be made of, and which of their arguments are lane
values."""

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax

from research import kernels
from research.errors import UserError, nearest
from research.optim import by_units
from research.options import REQUIRED, NonNegative, Option, Positive, Probability, Range, option

# A parameter of one of these names says that a learning rate, or a random key, comes with it.
_RATES = {"learning_rate", "max_learning_rate", "step_size", "step_size_fn"}
_RANDOM = {"key", "seed"}
# Members whose axes optax 0.2.8 takes otherwise than a kernel [..., inputs, outputs] has them; each
# is a change of what a chain with it computes.
_BY_UNITS: dict[str, Callable[..., optax.GradientTransformation]] = {
    "centralize": by_units.centralize,
    "adaptive_grad_clip": by_units.adaptive_grad_clip,
}
# What the engine gives, and the ranges, which optax's signatures leave open.
_GIVEN: dict[str, dict[str, Any]] = {"add_decayed_weights": {"mask": kernels.kernel_mask}}
_RANGES: dict[str, Any] = (
    dict.fromkeys(("b1", "b2", "b3", "decay", "rho"), Probability)
    | dict.fromkeys(
        ("eps", "eps_root", "epsilon", "weight_decay", "min_norm", "min_scale"), NonNegative
    )
    | dict.fromkeys(("max_norm", "max_delta", "threshold", "clipping"), Positive)
)


@dataclasses.dataclass(frozen=True)
class Transformation:
    """One transformation: its numbers (lane values), its settings (static), its parameters in
    positional order.

    version: raised when what it computes changes.
    """

    name: str
    build: Callable[..., optax.GradientTransformation]
    numbers: tuple[Option, ...]
    settings: tuple[Option, ...]
    positional: tuple[str, ...]
    version: int = 1

    def option(self, name: str) -> Option:
        """The number or setting of that name. Raises UserError with the names that there are."""
        known = {o.name: o for o in self.numbers + self.settings}
        if name in known:
            return known[name]
        can_set = ", ".join(known) or "nothing"
        if name in inspect.signature(self.build).parameters:
            raise UserError(
                f"'{name}' of {self.name} cannot be written in a chain; it can set {can_set}"
            )
        raise UserError(
            f"{self.name} has no '{name}';"
            f" {nearest(name, known) if known else 'it takes no arguments'}"
        )


@functools.cache
def find(name: str) -> Transformation:
    """The member of that name. Raises UserError, with the nearest names or with why it cannot be a
    member."""
    known = _transformations()
    if name not in known:
        usable = [n for n, function in known.items() if _refusal(n, function) is None]
        raise UserError(f"unknown member '{name}' of a chain; {nearest(name, usable)}")
    if refusal := _refusal(name, known[name]):
        raise UserError(f"{name} cannot be a member of a chain: {refusal}")
    build = functools.partial(known[name], **_GIVEN.get(name, {}))
    parameters = inspect.signature(known[name]).parameters.values()
    floats = [_number(p) for p in parameters if _is_number(p)]
    words = [
        _setting(known[name], p) for p in parameters if isinstance(p.default, bool | int | str)
    ]
    lanes = _lane_values(name, build, floats)
    return Transformation(
        name,
        build,
        numbers=tuple(o for o in floats if o.name in lanes),
        settings=(*(o for o in floats if o.name not in lanes), *words),
        positional=tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD),
        # Version 1 took the axes that optax takes.
        version=2 if name in _BY_UNITS else 1,
    )


@functools.cache
def _transformations() -> dict[str, Callable[..., optax.GradientTransformation]]:
    """Every public function of optax that returns a transformation, by name; some by units
    instead."""
    public: dict[str, Callable[..., optax.GradientTransformation]] = {
        name: function
        for name, function in inspect.getmembers(optax, inspect.isfunction)
        if name.startswith("scale_by_")
        or (
            "GradientTransformation" in str(inspect.signature(function).return_annotation)
            and name[0] != "_"
        )
    }
    return public | _BY_UNITS


def _refusal(name: str, function: Callable[..., Any]) -> str | None:
    """Why a transformation cannot be a member, as far as its signature tells."""
    parameters = inspect.signature(function).parameters
    if _RATES & parameters.keys():
        scaling = f"; use scale_by_{name}" if _is_usable(f"scale_by_{name}") else ""
        return (
            "it brings its own learning rate, but the engine appends --learning_rate and"
            f" --schedule{scaling}"
        )
    if _RANDOM & parameters.keys():
        return "it keeps a random key of its own; gradient noise is a member of --regularization"
    if name == "keep_params_nonnegative":
        return "it needs the final step, but the learning rate comes after the chain"
    for parameter in parameters.values():
        if parameter.default is parameter.empty and not _is_number(parameter):
            return f"its '{parameter.name}' is not a number, so it cannot be written in a chain"
    return None


def _is_usable(name: str) -> bool:
    known = _transformations()
    return name in known and _refusal(name, known[name]) is None


def _is_number(parameter: inspect.Parameter) -> bool:
    """Whether a parameter of optax is a number that need not be whole."""
    if parameter.default is parameter.empty:
        return parameter.annotation in (float, jax.typing.ArrayLike)
    return isinstance(parameter.default, float)


def _number(parameter: inspect.Parameter) -> Option:
    """A float as an option, in the range that its name tells unless optax's own default lies
    outside."""
    default = REQUIRED if parameter.default is parameter.empty else parameter.default
    declared = option(parameter.name, _RANGES.get(parameter.name, float), default)
    outside = (
        declared.range is not None and default is not REQUIRED and default not in declared.range
    )
    # A default outside the range shows that the name means something else in this function.
    return dataclasses.replace(declared, range=None) if outside else declared


def _setting(function: Callable[..., Any], parameter: inspect.Parameter) -> Option:
    """A static option: true or false, one of the words of a Literal, or a whole number, 0 only
    where optax has it."""
    hint = typing.get_type_hints(function).get(parameter.name)
    literal = typing.get_origin(hint) is typing.Literal
    declared = option(
        parameter.name, hint if literal else type(parameter.default), parameter.default
    )
    return (
        dataclasses.replace(declared, range=Range(min(1, parameter.default)))
        if declared.type is int
        else declared
    )


def _lane_values(name: str, build: Callable[..., Any], floats: Sequence[Option]) -> set[str]:
    """The floats that may be lane values, by trying them: all at once, else one by one.

    Raises UserError if the transformation fails even without them.
    """
    example = {o.name: 0.5 if o.default is REQUIRED else o.default for o in floats}
    # Some of optax's functions branch on a number in Python, which a tracer cannot do. Only trying
    # tells, and the attempt with all numbers is enough for most.
    if _failure(build, example, example) is None:
        return set(example)
    traced = {number for number in example if _failure(build, example, {number}) is None}
    if error := _failure(build, example, traced):
        raise UserError(f"{name} cannot be a member of a chain: {str(error).splitlines()[0]}")
    return traced


def _failure(
    build: Callable[..., Any], example: Mapping[str, float], traced: typing.Collection[str]
) -> Exception | None:
    """What goes wrong when two updates of a kernel and a bias are traced with these numbers as
    arguments."""

    # The second update runs on the state that the first one made: a scan carries it, so its shapes
    # and dtypes must not change.
    def two_updates(numbers: dict[str, Any], params: Any) -> tuple[Any, Any, Any]:
        chain = build(**{**example, **numbers})
        before = chain.init(params)
        updates, after = chain.update(params, before, params)
        return updates, before, chain.update(updates, after, params)[1]

    params = {shape: jax.ShapeDtypeStruct(shape, jnp.float32) for shape in [(3, 2), (2,)]}
    try:
        updates, before, after = jax.eval_shape(
            two_updates, {name: jax.ShapeDtypeStruct((), jnp.float32) for name in traced}, params
        )
        same = jax.tree.map(
            lambda a, b: (a.shape, a.dtype) == (b.shape, b.dtype),
            (updates, before),
            (params, after),
        )
    except Exception as error:
        # The errors that optax's Python branches raise on a tracer.
        return error
    return (
        None if jax.tree.all(same) else TypeError("its state or its updates change shape or type")
    )
