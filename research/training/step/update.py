"""Update: a program's optimizer chain, and the slots of regularization around and after it."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from research import param_tree, rng
from research.config import RunConfig, views
from research.errors import UserError
from research.kernels import map_kernels
from research.options import format_value
from research.registry import OPTIMIZERS, REGULARIZERS, SLOTS
from research.tasks.objectives.game import Player
from research.training.setup.program import Program, built, regularizer
from research.training.step.state import Lane, LaneState, Tree, Variables


def chain(
    program: Program, player: Player, lane: Lane
) -> list[tuple[str, optax.GradientTransformationExtraArgs]]:
    """A player's update as named transformations in their order, the learning rate among them.

    Args:
        program: the lane's program.
        player: whose update it is.
        lane: the lane's inputs, with its numbers.
    """
    component = program.optimizer_of(player)
    build = OPTIMIZERS.get(component.name).build
    optimizer = built(component, build, f"optimizer{player.suffix}", lane.hparams)
    named: list[tuple[str, optax.GradientTransformation]] = []
    named += [
        (member.name, regularizer(member, lane)) for member in program.members("update", "gradient")
    ]
    named += [("optimizer", optimizer)]
    named += [
        (member.name, regularizer(member, lane)) for member in program.members("update", "decay")
    ]
    named += [("learning_rate", _by_learning_rate())]
    named += [
        (member.name, regularizer(member, lane))
        for member in program.members("update", "independent")
    ]
    return [(name, optax.with_extra_args_support(transform)) for name, transform in named]


def _by_learning_rate() -> optax.GradientTransformationExtraArgs:
    """Times minus the learning rate, which arrives with the update."""

    def update(
        updates: Tree, state: Any, params: Tree = None, *, learning_rate: jax.Array, **_: Any
    ) -> Any:
        return jax.tree.map(lambda u: -learning_rate * u, updates), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)


def optimizer_updates(
    program: Program,
    player: Player,
    state: LaneState,
    lane: Lane,
    grads: Tree,
    learning_rate: jax.Array,
    factor: jax.Array,
) -> tuple[Tree, dict[str, Any]]:
    """The update of a player's parameters by its whole chain, and the state of each transformation.

    Args:
        program: what the lanes have in common.
        player: the player.
        state: the lane's state.
        lane: the lane's inputs.
        grads: the gradient.
        learning_rate: of this step, [].
        factor: of the learning rate at this step, by schedule and plateau, [].

    Returns:
        What is added to the parameters, and the player's part of the new `opt_state`.

    Raises:
        UserError: a transformation returns other shapes than those of the parameters.
    """
    params = param_tree.select(player.owns, state.variables.params)
    updates = grads
    opt_state: dict[str, Any] = {}
    noisy = {member.name for member in program.members("update", "gradient")}
    for name, transform in chain(program, player, lane):
        # A stream per transformation: adding another one changes no draw of this one.
        stream = f"{name}{player.suffix}"
        updates, opt_state[stream] = transform.update(
            updates,
            state.opt_state[stream],
            params,
            key=rng.at(lane.noise_seed, stream, state.step),
            learning_rate=learning_rate,
            factor=factor,
        )
        if jax.tree.map(jnp.shape, updates) != jax.tree.map(jnp.shape, params):
            raise UserError(
                f"the {name} of this update returns other shapes than those of the parameters"
            )
        if name in noisy:  # noise on frozen parameters must not count in a norm
            updates = param_tree.zero_where(program.config.freeze, updates)
    # Again at the end: weight decay moves a parameter whose gradient is zero.
    return param_tree.zero_where(program.config.freeze, updates), opt_state


def project(
    program: Program, lane: Lane, params: Tree, learning_rate: jax.Array, site: str | None = None
) -> Tree:
    """The parameters after the projections.

    Args:
        program: the lane's program.
        lane: its inputs, with its numbers.
        params: the parameters after the update.
        learning_rate: the rate of this step, [].
        site: the projections of one site; None: all.
    """
    for member in program.members("projection", site):
        project = regularizer(member, lane)
        params = map_kernels(lambda w, p=project: p(w, learning_rate), params)
    return params


def average(
    program: Program, state: LaneState, lane: Lane, variables: Variables
) -> Variables | None:
    """The mean of the variables so far; None without an average.

    Args:
        program: the lane's program.
        state: its state, with the mean so far.
        lane: its inputs, with its numbers.
        variables: the variables after this update.
    """
    mean = state.mean
    for member in program.members("average"):
        mean = regularizer(member, lane)(mean, variables, state.step, program.steps)
        # Rounding must not move the mean of what is frozen.
        mean = keep_frozen(program, mean, variables)
    return mean


def evaluated_variables(program: Program, state: LaneState, lane: Lane) -> Variables:
    """What evaluation uses, early stopping restores and a run keeps: the variables, or their mean.

    A mean of points on a constraint need not lie on it (two units of norm 1 have a mean of a norm
    below
    1), so the mean is projected as the parameters are. The running mean in the state is not: it
    stays
    the mean of the parameters.

    Args:
        program: the lane's program.
        state: its state.
        lane: its inputs, with its numbers.
    """
    if not program.projects_mean:
        return state.evaluated
    mean = state.evaluated
    params = project(program, lane, mean.params, jnp.zeros((), program.dtype), site="norm")
    return keep_frozen(program, Variables(params, mean.batch_stats), mean)


def keep_frozen(program: Program, new: Variables, old: Variables) -> Variables:
    """The new variables, with the frozen ones as they were; so are a frozen layer's running
    statistics.

    Args:
        program: the lane's program, with the pattern of `--freeze`.
        new: the variables after a change.
        old: the variables before it.
    """
    pattern = program.config.freeze
    return Variables(
        param_tree.keep_where(pattern, new.params, old.params),
        param_tree.keep_where(pattern, new.batch_stats, old.batch_stats),
    )


def describe_slots(config: RunConfig) -> list[tuple[str, str]]:
    """(slot, its regularizers) in the order in which the engine applies them."""
    rows = []
    for slot in SLOTS:
        parts = [str(p) for p in config.regularization if REGULARIZERS.get(p.name).slot == slot]
        if slot == "update":
            gradient = [
                str(p) for p in config.regularization if REGULARIZERS.get(p.name).site == "gradient"
            ]
            after = [p for p in parts if p not in gradient]
            parts = [*gradient, *(_optimizer(*view) for view in views(config)), *after]
        rows.append((slot, " -> ".join(parts) or "-"))
    return rows


def _optimizer(suffix: str, view: RunConfig) -> str:
    """A player's optimizer with its options: `critic: adam(b1=0.9)`."""
    options = ",".join(f"{k}={format_value(v)}" for k, v in view.optimizer.options)
    prefix = f"{suffix[1:]}: " if suffix else ""
    return f"{prefix}{view.optimizer.name}({options})"
