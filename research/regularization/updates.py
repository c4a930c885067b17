"""Slot update: optax transformations of the gradient or of the update."""

from typing import Annotated, Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax

from research.kernels import Tree, kernel_mask, map_with_key
from research.options import NonNegative, Positive
from research.regularization.constraints import decays_once
from research.regularization.member import member
from research.regularization.noise import add_gaussian

Update: TypeAlias = optax.GradientTransformationExtraArgs


@member(
    "update",
    "gradient",
    paper="Pascanu et al. 2013, On the difficulty of training recurrent neural networks",
    neutral={"max_norm": jnp.inf},
    test_options={"max_norm": 0.5},
)
def clip_norm(
    max_norm: Annotated[Positive, "bound on the gradient's norm over all parameters"],
) -> Update:
    """Scales the gradient down to a global norm of at most max_norm.

    Example:
        >>> update = clip_norm(2.5)
        >>> tree = {"kernel": jnp.array([3.0]), "bias": jnp.array([4.0])}
        >>> updates, _ = update.update(tree, update.init(tree))
        >>> print(updates["kernel"], updates["bias"])  # half of a gradient of norm 5
        [1.5] [2.]
    """
    # The engine passes key, learning rate and factor to each update; optax's clipping takes none.
    return optax.with_extra_args_support(optax.clip_by_global_norm(max_norm))


@member(
    "update",
    "gradient",
    paper="Mikolov 2012, Statistical language models based on neural networks",
    neutral={"max_value": jnp.inf},
    test_options={"max_value": 0.2},
)
def clip_value(max_value: Annotated[Positive, "bound on each entry's absolute value"]) -> Update:
    """Clips each entry of the gradient to [-max_value, max_value].

    Example:
        >>> update = clip_value(1.0)
        >>> tree = {"kernel": jnp.array([3.0, -0.5])}
        >>> updates, _ = update.update(tree, update.init(tree))
        >>> print(updates["kernel"])
        [ 1.  -0.5]
    """
    return optax.with_extra_args_support(optax.clip(max_value))


class NoiseState(NamedTuple):
    """step: int32 [], updates so far."""

    step: jax.Array


@member(
    "update",
    "gradient",
    paper="Neelakantan et al. 2015, Adding gradient noise improves learning for very deep networks",
    neutral={"eta": 0.0},
    test_options={"eta": 0.3, "gamma": 0.55},
)
def gradient_noise(
    eta: Annotated[NonNegative, "variance of the noise at the first step"],
    gamma: Annotated[NonNegative, "how fast the variance falls"] = 0.55,
) -> Update:
    """Adds N(0, η/(1 + t)^γ) to every entry of the gradient at step t, counted from 0.

    Example:
        >>> update = gradient_noise(eta=0.25)
        >>> tree = {"kernel": jnp.zeros(10_000)}
        >>> updates, _ = update.update(tree, update.init(tree), key=jax.random.key(0))
        >>> round(float(updates["kernel"].std()), 1)  # sqrt(0.25) at step 0
        0.5
    """

    def init(params: Tree) -> NoiseState:
        return NoiseState(jnp.zeros([], jnp.int32))

    def update(
        updates: Tree, state: NoiseState, params: Tree = None, *, key: jax.Array, **_: Any
    ) -> tuple[Tree, NoiseState]:
        sd = jnp.sqrt(eta / (1.0 + state.step) ** gamma)
        noisy = map_with_key(lambda u, leaf_key: add_gaussian(u, leaf_key, sd), updates, key)
        return noisy, NoiseState(state.step + 1)

    return Update(init, update)


@member(
    "update",
    "decay",
    paper=(
        "Loshchilov & Hutter 2019, Decoupled weight decay regularization, as most libraries"
        " implement it"
    ),
    neutral={"strength": 0.0},
    test_options={"strength": 0.01},
    constraints=(decays_once,),
)
def weight_decay(strength: Annotated[NonNegative, "strength λ"]) -> Update:
    """Shrinks the kernels by learning rate·λ·w each step, outside the optimizer's update.

    Example:
        >>> params = {"kernel": jnp.array([2.0]), "bias": jnp.array([2.0])}
        >>> updates = {"kernel": jnp.array([1.0]), "bias": jnp.array([1.0])}
        >>> decay = weight_decay(0.1)
        >>> decayed, _ = decay.update(updates, decay.init(params), params)
        >>> print(np.array(decayed["kernel"]).round(2), decayed["bias"])  # kernels only
        [1.2] [1.]
    """

    def update(updates: Tree, state: Any, params: Tree, **_: Any) -> tuple[Tree, Any]:
        # Plus: the engine negates this update when it applies the learning rate.
        return _add_to_kernels(updates, params, strength), state

    return Update(optax.init_empty_state, update)


@member(
    "update",
    "independent",
    paper="Loshchilov & Hutter 2019, algorithm 2; Wortsman et al. 2023, Small-scale proxies",
    version=2,
    neutral={"strength": 0.0},
    test_options={"strength": 0.01},
    constraints=(decays_once,),
)
def independent_decay(strength: Annotated[NonNegative, "strength λ, per step"]) -> Update:
    """Shrinks the kernels by λ·w each step, times the schedule's factor but not the learning
    rate.

    Example:
        >>> params, updates = {"kernel": jnp.array([2.0])}, {"kernel": jnp.array([-0.1])}
        >>> decay = independent_decay(0.1)
        >>> decayed, _ = decay.update(updates, decay.init(params), params, factor=0.5)
        >>> print(np.array(decayed["kernel"]).round(2))  # -0.1 - 0.5 · 0.1 · 2
        [-0.2]
    """

    def update(
        updates: Tree, state: Any, params: Tree, *, factor: jax.Array, **_: Any
    ) -> tuple[Tree, Any]:
        # Minus: at this site the updates are added to the parameters as they are.
        return _add_to_kernels(updates, params, -factor * strength), state

    return Update(optax.init_empty_state, update)


def _add_to_kernels(updates: Tree, params: Tree, strength: jax.Array | float) -> Tree:
    """updates + strength·params in the kernels' places."""
    return jax.tree.map(
        lambda kernel, u, w: (
            # At strength 0 the update keeps its bits: u + 0 · w turns -0.0 into 0.0.
            jnp.where(strength != 0, u + strength * w, u).astype(u.dtype) if kernel else u
        ),
        kernel_mask(params),
        updates,
        params,
    )
