"""Warm start: a run starts from the parameters of another; some may be frozen, some redrawn."""

import dataclasses
import re
from collections.abc import Iterable
from typing import Any

import jax.numpy as jnp
import numpy as np

from research import param_tree
from research.config import RunConfig
from research.errors import UserError
from research.training.setup.lane_inputs import abstract_state
from research.training.setup.program import Program
from research.training.step.state import Tree, Variables

# What a fitted estimator is called among the variables that a run keeps.
ESTIMATOR = "estimator"
_COLLECTIONS = ("params", "batch_stats")


@dataclasses.dataclass(frozen=True)
class InitialWeights:
    """Where a run starts from: another run's variables, on the host. name: which they are, for
    errors.

    reset: a pattern of the names of leaves that start from the run's own initial values instead.
    """

    name: str
    variables: Variables
    reset: str | None = None

    def merge(self, fresh: Variables) -> Variables:
        """The variables that a run starts with, in the dtype of `fresh`, its own initial ones."""
        parts = (
            self._merge(getattr(fresh, part), getattr(self.variables, part))
            for part in _COLLECTIONS
        )
        return Variables(*parts)

    def _merge(self, fresh: Tree, given: Tree) -> Tree:
        source = param_tree.by_name(given)
        leaves = param_tree.by_name(fresh)
        # What the origin lacks stays initial; `check_initial_weights` allows that only for `reset`.
        filled = [jnp.asarray(source.get(name, leaf), leaf.dtype) for name, leaf in leaves.items()]
        return param_tree.keep_where(self.reset, param_tree.unflatten(fresh, filled), fresh)


def check_patterns(config: RunConfig, program: Program) -> None:
    """Raises UserError if `freeze` or `reset` is no pattern or matches no leaf, freezes all, or
    resets nothing."""
    if config.reset is not None and config.init_from is None:
        raise UserError(
            "reset redraws parameters that --init_from=RUN gives; without it there is nothing to"
            " reset"
        )
    if config.freeze is None and config.reset is None:
        return
    variables = abstract_state(config, program).variables
    params, stats = (
        list(param_tree.by_name(variables.params)),
        list(param_tree.by_name(variables.batch_stats)),
    )
    for flag, pattern, names in (
        ("freeze", config.freeze, params),
        ("reset", config.reset, params + stats),
    ):
        if pattern is not None and not any(matches(flag, pattern, name) for name in names):
            raise UserError(
                f"{flag}='{pattern}' matches none of the parameters: {', '.join(names)}"
            )
    if config.freeze is not None and all(matches("freeze", config.freeze, name) for name in params):
        raise UserError(
            f"freeze='{config.freeze}' leaves nothing to train; it matches every parameter"
        )
    if config.reset is not None and all(matches("reset", config.reset, name) for name in params):
        raise UserError(
            f"reset='{config.reset}' leaves nothing of {config.init_from}; it matches every"
            " parameter"
        )


def matches(flag: str, pattern: str, name: str) -> bool:
    """Whether a flag's pattern matches within a parameter's name.

    Args:
        flag: the flag, for messages.
        pattern: a regular expression.
        name: the parameter's name, such as Dense_0/kernel.

    Raises:
        UserError: the pattern is not a regular expression.
    """
    try:
        return re.search(pattern, name) is not None
    except re.error as error:
        raise UserError(f"{flag}='{pattern}' is not a regular expression: {error}") from None


def check_initial_weights(config: RunConfig, program: Program, origin: InitialWeights) -> None:
    """Refuses to start from parameters that do not fit, unless --reset redraws these.

    Args:
        config: the run's config.
        program: its program.
        origin: the parameters of another run.

    Raises:
        UserError: a parameter is missing, superfluous or of another shape.
    """
    if ESTIMATOR in origin.variables.params:
        raise UserError(f"{origin.name} was fitted on the host; --init_from takes a network's run")
    variables = abstract_state(config, program).variables
    wrong: dict[str, str] = {}
    for part in _COLLECTIONS:
        needed, given = (
            param_tree.by_name(getattr(variables, part)),
            param_tree.by_name(getattr(origin.variables, part)),
        )
        for name in dict.fromkeys((*needed, *given)):
            here, there = (_shape(tree.get(name)) for tree in (needed, given))
            if here != there and not (origin.reset is not None and re.search(origin.reset, name)):
                wrong[name] = f"{name} ({there} there, {here} here)"
    if wrong:
        raise UserError(
            f"{origin.name} does not fit this run: {', '.join(wrong.values())}; "
            f"redraw what does not fit with --reset='{_pattern(wrong, origin.reset)}'"
        )


def _shape(leaf: Any) -> str:
    return "absent" if leaf is None else str(list(np.shape(leaf)))


def _pattern(names: Iterable[str], also: str | None) -> str:
    """A pattern of the layers of these leaves, and of what was reset before."""
    layers = dict.fromkeys(
        f"^{re.escape(''.join(name.rpartition('/')[:2]) or name)}" for name in names
    )
    return "|".join([*([also] if also else []), *layers])
