"""SAM: descend by the gradient taken at the worst point nearby. It wraps the step, which takes two
gradients."""

from typing import Annotated, Any

import jax
import optax

from research.optim.momentum import sgd
from research.options import NonNegative, Probability
from research.registry import OPTIMIZERS, Optimizer


def sam(
    rho: Annotated[
        NonNegative, "radius of the neighbourhood, in the norm of all parameters; 0 is sgd"
    ] = 0.05,
    momentum: Annotated[Probability, "heavy-ball momentum of the base optimizer"] = 0.0,
) -> optax.GradientTransformation:
    """The base of SAM, sgd with momentum; its gradient is the one at `perturb`'s point.
    arXiv:2010.01412.

    Example:
        >>> params, grads = {"kernel": jnp.array([1.0, 1.0])}, {"kernel": jnp.array([3.0, 4.0])}
        >>> print(perturb(params, grads, rho=0.5)["kernel"])  # 0.5 away, uphill
        [1.3 1.4]
    """
    # An option of the optimizer that only `perturb` reads.
    del rho
    return sgd(momentum)


def perturb(params: Any, grads: Any, *, rho: Any, **options: Any) -> Any:
    """The point where SAM takes its second gradient: params + rho g / |g|, |g| over all parameters.

    Args:
        params: the parameters.
        grads: their gradient, of the same structure.
        rho: radius of the neighbourhood.
        **options: the optimizer's other options.
    """
    del options
    # The small term keeps a gradient of zeros where it is.
    scale = rho / (optax.tree.norm(grads) + 1e-12)
    return jax.tree.map(lambda p, g: p + scale * g, params, grads)


OPTIMIZERS.add(
    Optimizer(
        name="sam",
        build=sam,
        summary="sharpness-aware minimization around sgd with momentum: two gradients a step",
        paper="Foret et al. 2021, arXiv:2010.01412",
        perturb=perturb,
    )
)
