"""Recurrence: a cell over time, whose matrix products with the inputs and whose weight gradients
lie outside the loop.

Inside the loop is one product a step, of the state with the recurrent kernel. What reads the inputs
is worked out for all steps at once before it, and the gradient of the kernel for all steps at once
after the loop backwards.
"""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

State = Any  # of arrays [B, H], the first of which is what the cell gives out and multiplies
Cell = Callable[[State, jax.Array, jax.Array], State]


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 7))
def recurrence(
    cell: Cell,
    state: State,
    inputs: jax.Array,
    kernel: jax.Array,
    bias: jax.Array | None,
    kept: jax.Array | None,
    real: jax.Array | None,
    truncate: int | None = None,
) -> jax.Array:
    """What a cell gives out at each step, [T, B, H].

    cell: (state, inputs [B, G], the state's products [B, G]) -> state, entry by entry. state: the
        first one. inputs: [T, B, G]. kernel, bias: [H, G] and [G], of the state's products; None:
        no bias. kept: [B, H], the factors of a dropout of the state that is the same at each step,
        or None. real: bool [T, B], False where a sequence is over, so that its state stays; None if
        none is. truncate: gradients do not flow from a state to what made it where so many steps,
        or a multiple of them, lie before it (truncated back-propagation through time, Williams &
        Peng 1990).
    """
    return _forwards(cell, state, inputs, kernel, bias, kept, real, truncate)[0]


def _dropped(state: State, kept: jax.Array | None) -> jax.Array:
    first: jax.Array = jax.tree.leaves(state)[0]
    return first if kept is None else first * kept


def _advance(
    cell: Cell, state: State, x: jax.Array, product: jax.Array, real: jax.Array | None
) -> State:
    new = cell(state, x, product)
    return (
        new
        if real is None
        else jax.tree.map(lambda a, b: jnp.where(real[:, None], a, b), new, state)
    )


def _forwards(
    cell: Cell,
    state: State,
    inputs: jax.Array,
    kernel: jax.Array,
    bias: jax.Array | None,
    kept: jax.Array | None,
    real: jax.Array | None,
    truncate: int | None,
) -> tuple[jax.Array, Any]:
    def step(state: State, now: Any) -> tuple[State, tuple[jax.Array, State, jax.Array]]:
        x, real = now
        new, product = _step(cell, state, x, real, kernel, bias, kept)
        return new, (jax.tree.leaves(new)[0], state, product)

    _, (outputs, before, products) = jax.lax.scan(step, state, (inputs, real))
    return outputs, (before, products, inputs, kernel, bias, kept, real)


def _step(
    cell: Cell,
    state: State,
    x: jax.Array,
    real: jax.Array | None,
    kernel: jax.Array,
    bias: jax.Array | None,
    kept: jax.Array | None = None,
) -> tuple[State, jax.Array]:
    """The state after a step, and the last one's products."""
    product = _dropped(state, kept) @ kernel
    product = product if bias is None else product + bias
    return _advance(cell, state, x, product, real), product


def _backwards(cell: Cell, truncate: int | None, saved: Any, grads: jax.Array) -> tuple[Any, ...]:
    before, products, inputs, kernel, bias, kept, real = saved

    def step(later: State, now: Any) -> tuple[State, tuple[jax.Array, jax.Array]]:
        state, product, x, real, grad, cut = now
        first, *others = jax.tree.leaves(later)
        later = jax.tree.unflatten(jax.tree.structure(later), [first + grad, *others])
        _, pull = jax.vjp(lambda s, x, p: _advance(cell, s, x, p, real), state, x, product)
        earlier, of_input, of_product = pull(later)
        back = of_product @ kernel.T
        first, *others = jax.tree.leaves(earlier)
        first = first + (back if kept is None else back * kept)
        earlier = jax.tree.unflatten(jax.tree.structure(earlier), [first, *others])
        if cut is not None:
            earlier = jax.tree.map(lambda leaf: jnp.where(cut, 0, leaf), earlier)
        return earlier, (of_input, of_product)

    last = jax.tree.map(lambda leaf: jnp.zeros_like(leaf[0]), before)
    cut = None if truncate is None else jnp.arange(len(inputs)) % truncate == 0
    of_state, (of_inputs, of_products) = jax.lax.scan(
        step, last, (before, products, inputs, real, grads, cut), reverse=True
    )
    of_kernel = jnp.einsum("tbh,tbg->hg", _dropped(before, kept), of_products)
    of_bias = None if bias is None else of_products.sum((0, 1))
    return of_state, of_inputs, of_kernel, of_bias, None, None


recurrence.defvjp(_forwards, _backwards)


Step = Callable[[State, Any], tuple[State, jax.Array]]


def stepped(
    module: nn.Module, step: Step, first: State, inputs: Any, truncate: int | None = None
) -> jax.Array:
    """What any step of a module gives out, [B, T, ...], from its first state over inputs, leaves
    [B, T, ...].

    truncate: as in `recurrence`. The state is kept between calls, as `carried` says.
    """

    def at(state: State, now: Any) -> tuple[State, jax.Array]:
        x, cut = now
        if cut is not None:
            state = jax.tree.map(
                lambda leaf: jnp.where(cut, jax.lax.stop_gradient(leaf), leaf), state
            )
        return step(state, x)

    by_step = jax.tree.map(lambda leaf: leaf.swapaxes(0, 1), inputs)
    cut = None if truncate is None else jnp.arange(len(jax.tree.leaves(by_step)[0])) % truncate == 0
    between = carried(module, first)
    last, outputs = jax.lax.scan(at, first if between is None else between.value, (by_step, cut))
    if between is not None:
        between.value = last
    return outputs.swapaxes(0, 1)


def carried_on(
    cell: Cell, state: State, inputs: jax.Array, kernel: jax.Array, bias: jax.Array | None
) -> tuple[State, jax.Array]:
    """(the last state, what `recurrence` gives out) of real steps, without a gradient of its own;
    [T, B, ...]."""

    def step(state: State, x: jax.Array) -> tuple[State, jax.Array]:
        new, _ = _step(cell, state, x, None, kernel, bias)
        return new, jax.tree.leaves(new)[0]

    return jax.lax.scan(step, state, inputs)


def carried(module: nn.Module, first: State) -> nn.Variable | None:
    """Where a layer keeps its state between calls, each of which goes on with the sequence; None:
    it keeps none.

    It does where the caller has made the collection `cache` mutable.
    """
    if module.is_initializing() or not module.is_mutable_collection("cache"):
        return None
    return module.variable("cache", "state", lambda: first)
