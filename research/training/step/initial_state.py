"""The state of a lane before its first step."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from research import param_tree
from research.optim import plateau
from research.training.setup import program as program_lib
from research.training.setup.program import Program
from research.training.step import means, network, objective, update
from research.training.step.collect import initial_world
from research.training.step.state import Lane, LaneState, Variables


def initial_state(program: Program, lane: Lane, variables: Variables | None = None) -> LaneState:
    """The state before the first step.

    To be called inside `program.precision_context()`, as everything that follows.

    Args:
        program: what the lanes have in common.
        lane: the lane's inputs.
        variables: those to start from; None for the lane's own initial ones.

    Raises:
        RuntimeError: a float64 program is called outside its precision context.
    """
    if program.dtype == np.float64 and jnp.zeros(()).dtype != np.float64:
        raise RuntimeError(
            "a float64 program was entered without program.precision_context(); JAX would round to"
            " float32"
        )
    variables = network.init(program, lane) if variables is None else variables
    opt_state = {}
    sums = [*objective.curve_names(program), means.LOSS]
    sums += means.COUNTS if program.counts_targets else ()
    for player in program.game.players:
        params = param_tree.select(player.owns, variables.params)
        for name, transform in update.chain(program, player, lane):
            opt_state[f"{name}{player.suffix}"] = transform.init(params)
        sums += [f"{name}{player.suffix}" for name in (means.LOSS, *means.NORMS)]
    (stopping,) = [
        program_lib.regularizer(p, lane).init() for p in program.members("stopping")
    ] or [None]
    return LaneState(
        variables=variables,
        opt_state=opt_state,
        step=jnp.zeros((), jnp.int32),
        sums={name: jnp.zeros(()) for name in sums},
        # One int32 says whether a run diverged, and when.
        diverged_at=jnp.full((), -1, jnp.int32),
        epochs=jnp.zeros((), jnp.int32),
        mean=variables if program.has_mean else None,
        plateau=plateau.init(),
        stopping=stopping,
        best=variables if program.has_stopping else None,
        world=initial_world(program, lane),
    )


# What runs once is not worth much optimisation: LLVM then takes half as long for the draws of many
# kernels, or a third, and makes the same bits. Where JAX is set to optimise still less, as in the
# tests, the compiler's level stays as it is.
COMPILER_OPTIONS = {"xla_backend_optimization_level": 1}
_OPTIMISES_LESS = jax.config.read("jax_disable_most_optimizations")


@functools.partial(
    jax.jit,
    static_argnames=("program",),
    compiler_options=None if _OPTIMISES_LESS else COMPILER_OPTIONS,
)
def compiled_initial_state(
    program: Program, lane: Lane, variables: Variables | None = None
) -> LaneState:
    """`initial_state`, compiled. Never mapped, so that its bits are the same in every pack.

    Args:
        program: what the lanes have in common.
        lane: the lane's inputs.
        variables: those to start from; None for the lane's own initial ones.
    """
    return initial_state(program, lane, variables)
