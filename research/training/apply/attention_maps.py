"""Attention maps: what a trained network's attention looks at, example by example."""

import functools
from typing import Any

import jax
import numpy as np

from research import param_tree
from research.errors import UserError
from research.training.setup.program import Program
from research.training.step import network
from research.training.step.state import Lane, Variables


def attention_maps(
    program: Program, lane: Lane, variables: Variables, x: np.ndarray
) -> dict[str, np.ndarray]:
    """The attention weights of one example by the layer's name, float [heads, T, S].

    Args:
        program: the run's program.
        lane: the run's inputs.
        variables: its parameters.
        x: a raw example [...].

    Raises:
        UserError: the network has no attention.
    """
    with program.precision_context():
        maps = jax.device_get(_weights(program, lane, variables, x[None]))
    leaves = jax.tree_util.tree_leaves_with_path(maps)
    if not leaves:
        raise UserError(
            f"arch={program.config.arch.name} has no attention; gpt, vit, seq2seq and transformers"
            " have it"
        )
    return {_layer(path): weights.reshape(-1, *weights.shape[-2:]) for path, weights in leaves}


def _layer(path: tuple[Any, ...]) -> str:
    """`Block_0` of what Block_0/attention/weights has; `attention` where a network has one."""
    return "/".join(param_tree.module_names(path)[:-1]).removesuffix("/attention") or "attention"


@functools.partial(jax.jit, static_argnames="program")
def _weights(
    program: Program, lane: Lane, variables: Variables, x: jax.Array
) -> dict[str, jax.Array]:
    return network.attention(program, variables, lane, x)
