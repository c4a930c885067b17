"""Recurrence: a cell over time, with every product that does not need the state outside the loop.

Inside the loop is one product per step, of the state with the recurrent kernel. The products with
the inputs are computed for all steps at once before the loop, and the kernel's gradient for all
steps at once after the backward loop.
"""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

# Arrays [B, H]; the first is the cell's output, which the kernel multiplies.
State = Any
Cell = Callable[[State, jax.Array, jax.Array], State]


def recurrence(cell: Cell, truncate: int | None = None) -> Callable[..., jax.Array]:
    """A cell over time: (state, inputs, kernel, bias, dropout_mask, real) -> outputs [T, B, H].

    state is the first state. inputs [T, B, G]. kernel [H, G] multiplies the state, and bias [G] is
    added to that product; None: no bias. dropout_mask [B, H] has factors of the state that are the
    same at every step; None: no dropout. real, bool [T, B], is False after the end of a sequence,
    where its state no longer changes; None: all sequences have T steps.

    Args:
        cell: (state, inputs [B, G], products of the state [B, G]) -> state, element by element.
        truncate: gradients do not flow from a state to earlier ones where the number of earlier
            steps is a multiple of this; None: never (truncated back-propagation through time).

    Reference: Williams & Peng 1990 (truncation).
    """

    # The gradient is by hand, because JAX's gradient of a scan adds to the kernel's gradient at
    # every step. Here one product over all steps follows the loop.
    @jax.custom_vjp
    def outputs(
        state: State,
        inputs: jax.Array,
        kernel: jax.Array,
        bias: jax.Array | None,
        dropout_mask: jax.Array | None,
        real: jax.Array | None,
    ) -> jax.Array:
        return _forwards(cell, state, inputs, kernel, bias, dropout_mask, real)[0]

    outputs.defvjp(
        functools.partial(_forwards, cell), functools.partial(_backwards, cell, truncate)
    )
    return outputs


def _dropped(state: State, dropout_mask: jax.Array | None) -> jax.Array:
    first: jax.Array = jax.tree.leaves(state)[0]
    return first if dropout_mask is None else first * dropout_mask


def _advance(
    cell: Cell, state: State, x: jax.Array, product: jax.Array, real: jax.Array | None
) -> State:
    """The next state; sequences that are over keep theirs."""
    new = cell(state, x, product)
    if real is None:
        return new
    return jax.tree.map(lambda after, before: jnp.where(real[:, None], after, before), new, state)


def _forwards(
    cell: Cell,
    state: State,
    inputs: jax.Array,
    kernel: jax.Array,
    bias: jax.Array | None,
    dropout_mask: jax.Array | None,
    real: jax.Array | None,
) -> tuple[jax.Array, Any]:
    """The outputs, and what the backward pass reads."""

    def step(state: State, now: Any) -> tuple[State, tuple[jax.Array, State, jax.Array]]:
        x, real = now
        new, product = _step(cell, state, x, real, kernel, bias, dropout_mask)
        return new, (jax.tree.leaves(new)[0], state, product)

    # The products are kept: recomputing them would put a second product into the backward loop.
    _, (outputs, before, products) = jax.lax.scan(step, state, (inputs, real))
    return outputs, (before, products, inputs, kernel, bias, dropout_mask, real)


def _step(
    cell: Cell,
    state: State,
    x: jax.Array,
    real: jax.Array | None,
    kernel: jax.Array,
    bias: jax.Array | None,
    dropout_mask: jax.Array | None = None,
) -> tuple[State, jax.Array]:
    """The next state, and the products of the current one."""
    product = _dropped(state, dropout_mask) @ kernel
    product = product if bias is None else product + bias
    return _advance(cell, state, x, product, real), product


def _backwards(cell: Cell, truncate: int | None, saved: Any, grads: jax.Array) -> tuple[Any, ...]:
    before, products, inputs, kernel, bias, dropout_mask, real = saved

    def step(later: State, now: Any) -> tuple[State, tuple[jax.Array, jax.Array]]:
        """The gradient of the state before a step, from that of the state after it."""
        state, product, x, real, grad, cut = now
        first, *others = jax.tree.leaves(later)
        # The output is the state's first array: its gradient has two sources.
        later = jax.tree.unflatten(jax.tree.structure(later), [first + grad, *others])
        # JAX differentiates only the element-wise part; the product with the kernel follows by
        # hand.
        _, pull = jax.vjp(lambda s, x, p: _advance(cell, s, x, p, real), state, x, product)
        earlier, of_input, of_product = pull(later)
        back = of_product @ kernel.T
        first, *others = jax.tree.leaves(earlier)
        first = first + (back if dropout_mask is None else back * dropout_mask)
        earlier = jax.tree.unflatten(jax.tree.structure(earlier), [first, *others])
        if cut is not None:
            earlier = jax.tree.map(lambda leaf: jnp.where(cut, 0, leaf), earlier)
        return earlier, (of_input, of_product)

    last = jax.tree.map(lambda leaf: jnp.zeros_like(leaf[0]), before)
    cut = _boundaries(len(inputs), truncate)
    of_state, (of_inputs, of_products) = jax.lax.scan(
        step, last, (before, products, inputs, real, grads, cut), reverse=True
    )
    # One product over all steps instead of one per step inside the loop.
    of_kernel = jnp.einsum("tbh,tbg->hg", _dropped(before, dropout_mask), of_products)
    of_bias = None if bias is None else of_products.sum((0, 1))
    # The two masks are constants of the gradient.
    return of_state, of_inputs, of_kernel, of_bias, None, None


def _boundaries(steps: int, truncate: int | None) -> jax.Array | None:
    """True at the steps from which gradients do not flow back, bool [T]; None: at none."""
    return None if truncate is None else jnp.arange(steps) % truncate == 0


Step = Callable[[State, Any], tuple[State, jax.Array]]


def scan_module(
    module: nn.Module, step: Step, first: State, inputs: Any, truncate: int | None = None
) -> jax.Array:
    """The outputs of a module's step function over a sequence, [B, T, ...].

    Args:
        module: the module that keeps the last state between calls; see `state_cache`.
        step: (state, inputs at a step) -> (state, output).
        first: the state before the first step.
        inputs: a tree with leaves [B, T, ...].
        truncate: as in `recurrence`.
    """

    def at(state: State, now: Any) -> tuple[State, jax.Array]:
        x, cut = now
        if cut is not None:
            # The boundary is traced, so both branches exist; the select passes gradients off it
            # only.
            state = jax.tree.map(
                lambda leaf: jnp.where(cut, jax.lax.stop_gradient(leaf), leaf), state
            )
        return step(state, x)

    by_step = jax.tree.map(lambda leaf: leaf.swapaxes(0, 1), inputs)
    cut = _boundaries(len(jax.tree.leaves(by_step)[0]), truncate)
    cache = state_cache(module, first)
    last, outputs = jax.lax.scan(at, first if cache is None else cache.value, (by_step, cut))
    if cache is not None:
        cache.value = last
    return outputs.swapaxes(0, 1)


def scan_cell(
    cell: Cell, state: State, inputs: jax.Array, kernel: jax.Array, bias: jax.Array | None
) -> tuple[State, jax.Array]:
    """The last state and the outputs [T, B, ...] of `recurrence` without padding, for generation.

    It has no gradient of its own.

    Args:
        cell: one step.
        state: the state before the first step, leaves [B, H].
        inputs: the inputs' part of the gates, [T, B, ...].
        kernel: weights of the state, [H, ...].
        bias: added to the state's part; None: there is none.
    """

    def step(state: State, x: jax.Array) -> tuple[State, jax.Array]:
        new, _ = _step(cell, state, x, None, kernel, bias)
        return new, jax.tree.leaves(new)[0]

    return jax.lax.scan(step, state, inputs)


def state_cache(module: nn.Module, first: State) -> nn.Variable | None:
    """The variable in which a layer keeps its state from call to call; None: it keeps none.

    It keeps its state where the caller has made the collection `cache` mutable. Each call then
    continues the sequence.
    """
    # A cache made at initialisation would be stored among the network's variables.
    if module.is_initializing() or not module.is_mutable_collection("cache"):
        return None
    return module.variable("cache", "state", lambda: first)
