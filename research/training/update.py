"""Update: a program's optimizer chain, and what stands in each slot of regularization around it."""

from typing import Any

import jax
import optax

from research.config import RunConfig
from research.options import format_value
from research.registry import OPTIMIZERS, REGULARIZERS, SLOTS
from research.training.program import Program, built, regularizer
from research.training.state import Lane, Tree


def chain(program: Program, lane: Lane) -> list[tuple[str, optax.GradientTransformationExtraArgs]]:
    """The update as named transformations, in their order; the learning rate is one of them."""
    own = program.config.optimizer
    optimizer = built(own, OPTIMIZERS.get(own.name).build, "optimizer", lane.hparams)
    named: list[tuple[str, optax.GradientTransformation]] = []
    named += [(part.name, regularizer(part, lane)) for part in program.members("update", "gradient")]
    named += [("optimizer", optimizer)]
    named += [(part.name, regularizer(part, lane)) for part in program.members("update", "decay")]
    named += [("learning_rate", _by_learning_rate())]
    named += [(part.name, regularizer(part, lane)) for part in program.members("update", "independent")]
    return [(name, optax.with_extra_args_support(transform)) for name, transform in named]


def _by_learning_rate() -> optax.GradientTransformationExtraArgs:
    """Times minus the learning rate, which arrives with the update."""

    def update(updates: Tree, state: Any, params: Tree = None, *, learning_rate: jax.Array, **_: Any) -> Any:
        return jax.tree.map(lambda u: -learning_rate * u, updates), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)


def describe_slots(config: RunConfig) -> list[tuple[str, str]]:
    """(slot, its regularizers) in the order in which the engine applies them."""
    rows = []
    for slot in SLOTS:
        parts = [str(p) for p in config.regularization if REGULARIZERS.get(p.name).slot == slot]
        if slot == "update":
            gradient = [str(p) for p in config.regularization if REGULARIZERS.get(p.name).site == "gradient"]
            after = [p for p in parts if p not in gradient]
            options = ",".join(f"{k}={format_value(v)}" for k, v in config.optimizer.options)
            parts = [*gradient, f"{config.optimizer.name}({options})", *after]
        rows.append((slot, " -> ".join(parts) or "-"))
    return rows
