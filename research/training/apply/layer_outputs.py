"""Layer outputs: what the layers of a trained network make of examples."""

import functools
from typing import Any

import jax
import numpy as np

from research import param_tree
from research.data.features.named_arrays import take
from research.errors import UserError, nearest
from research.training.setup.program import Program
from research.training.step import network
from research.training.step.state import Lane, Variables

ROWS_AT_ONCE = 256


def layer_outputs(
    program: Program, lane: Lane, variables: Variables, x: Any, layer: str
) -> np.ndarray:
    """The outputs of one layer, as vectors [N, D].

    Args:
        program: the run's program.
        lane: the run's inputs.
        variables: its parameters.
        x: raw examples, [N, ...].
        layer: the layer's name, such as `HiddenDense_0`.

    Raises:
        UserError: the network has no layer of that name, or none with an output per example.
    """
    rows = len(jax.tree.leaves(x)[0])
    with program.precision_context():
        of = functools.partial(_outputs, program, lane, variables)
        parts = [
            jax.device_get(of(take(x, slice(begin, begin + ROWS_AT_ONCE))))
            for begin in range(0, rows, ROWS_AT_ONCE)
        ]
    named = [_by_layer(part) for part in parts]
    if layer not in named[0]:
        raise UserError(
            f"--layer={layer}: arch={program.config.arch.name} has no such layer;"
            f" {nearest(layer, named[0])}"
        )
    outputs = [part[layer] for part in named]
    return np.concatenate([values.reshape(len(values), -1) for values in outputs])


def _by_layer(intermediates: Any) -> dict[str, np.ndarray]:
    """The outputs by the name of their layer, in the order of the network."""
    leaves = jax.tree_util.tree_leaves_with_path(intermediates)
    named = {"/".join(param_tree.module_names(path)[:-1]): leaf for path, leaf in leaves}
    return {name: leaf for name, leaf in named.items() if name}


@functools.partial(jax.jit, static_argnames="program")
def _outputs(program: Program, lane: Lane, variables: Variables, x: Any) -> Any:
    return network.intermediates(program, variables, lane, x)
