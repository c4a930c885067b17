"""FLOPs: the floating-point operations of one update, counted in the program that makes it."""

import math
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp

from research.config import RunConfig
from research.data.features.named_arrays import by_array
from research.data.spec import Arrays
from research.training.devices.chunk_functions import ChunkFunctions, RowBlock, compiled_updates
from research.training.devices.vmap import VmapBackend
from research.training.setup.lane_inputs import abstract_lane, abstract_state
from research.training.setup.program import Program


def flops_per_update(program: Program, config: RunConfig, arrays: Arrays) -> int | None:
    """The operations of one update of a run: those of its matrix products and convolutions, forward
    and backward. None where nothing is trained by updates of rows.

    Args:
        program: the run's program.
        config: the run's config.
        arrays: its data; only its shapes are read.
    """
    if program.fitted or program.spec.inputs.collected:
        return None

    def shapes(tree: Any, *leading: int) -> Any:
        return jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct((*leading, *leaf.shape), leaf.dtype), tree
        )

    arrays = program.spec.view(arrays)
    x, y = (by_array(part, lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype)) for part in arrays[:2])
    rows = jax.ShapeDtypeStruct((1, program.sizes.batch), jnp.int32)
    functions = ChunkFunctions(program, VmapBackend(1))
    number = jax.ShapeDtypeStruct((), jnp.int32)
    with program.precision_context():
        batches = jax.eval_shape(
            lambda x, y, rows: functions.gather(RowBlock(x, y, rows, 0), 0, steps=1), x, y, rows
        )
        factors = jax.ShapeDtypeStruct((1, 1), program.dtype)
        update = jax.make_jaxpr(compiled_updates(functions.backend, program, 1))(
            shapes(abstract_state(config, program), 1),
            shapes(abstract_lane(config, program), 1),
            {**batches, "factor": factors},
            number,
            number,
        )
    return count(update.jaxpr)


def count(jaxpr: Any) -> int:
    """The operations of a program: two for each multiplication and addition of its matrix products
    and convolutions; the body of a scan counts as often as it is run."""
    return sum(_of_equation(equation) for equation in jaxpr.eqns)


def _of_equation(equation: Any) -> int:
    name = equation.primitive.name
    if name == "dot_general":
        (contracted, _), _ = equation.params["dimension_numbers"]
        shape = equation.invars[0].aval.shape
        depth = math.prod(shape[axis] for axis in contracted)
        return 2 * depth * equation.outvars[0].aval.size
    if name == "conv_general_dilated":
        kernel = equation.invars[1].aval
        # Every output value sums over the kernel without its output channels.
        channels = kernel.shape[equation.params["dimension_numbers"].rhs_spec[0]]
        products = equation.outvars[0].aval.size * (kernel.size // channels)
        # Zeros that dilate the input, as in the gradient of strides, are multiplied by nobody.
        return 2 * products // math.prod(equation.params["lhs_dilation"])
    inner = [count(jaxpr) for jaxpr in _inner(equation)]
    if name == "cond":
        return max(inner)
    return sum(inner) * int(equation.params.get("length", 1) if name == "scan" else 1)


def _inner(equation: Any) -> Iterator[Any]:
    """The programs inside an equation."""
    for value in equation.params.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            part = getattr(part, "jaxpr", part)
            if hasattr(part, "eqns"):
                yield part
