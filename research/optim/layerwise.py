"""Steps in proportion to the size of the parameters that they change: LAMB and Adafactor."""

from typing import Annotated, Any

import jax
import optax

from research import kernels
from research.options import Count, NonNegative, Positive, Probability, Range
from research.registry import OPTIMIZERS, Optimizer


def lamb(
    b1: Annotated[Probability, "decay of the average of gradients"] = 0.9,
    b2: Annotated[Probability, "decay of the average of squared gradients"] = 0.999,
    eps: Annotated[Positive, "added to the denominator"] = 1e-6,
    weight_decay: Annotated[NonNegative, "decay of the kernels, inside the trust ratio"] = 0.0,
) -> optax.GradientTransformation:
    """Adam's update d (+ weight_decay w on kernels), times |w| / |d| per array of two axes or more.

    The factor is 1 where either norm is 0. Biases and scales have Adam's update, as in the authors'
    code: a bias begins at 0, and in proportion to its norm it would hardly move. You et al. 2020,
    arXiv:1904.00962.

    Example:
        >>> from research.optim.first_updates import first_updates
        >>> first_updates(lamb(), [[3.0, 0.1]], kernel=[0.3, 0.4])  # as long as the kernel, 0.5
        [[0.354, 0.354]]
    """
    return optax.chain(
        optax.scale_by_adam(b1, b2, eps),
        optax.add_decayed_weights(weight_decay, kernels.kernel_mask),
        # Last, so that the decay is part of the norm that the ratio divides by.
        optax.masked(optax.scale_by_trust_ratio(), _adapted),
    )


def _adapted(params: Any) -> Any:
    """True in the place of kernels and other arrays of two axes or more, as tables of vectors."""
    # The scale of a weight-normed kernel has one axis and counts too: it carries the kernel's norm.
    return jax.tree.map(
        lambda is_kernel, leaf: is_kernel or leaf.ndim > 1, kernels.kernel_mask(params), params
    )


def adafactor(
    decay_rate: Annotated[Positive, "exponent c of the averages' decay 1 - t^-c"] = 0.8,
    clipping_threshold: Annotated[float, Range(1), "largest RMS of an array's update"] = 1.0,
    parameter_scale: Annotated[
        bool, "multiply by the RMS of the parameters, at least 0.001"
    ] = True,
    min_dim_size_to_factor: Annotated[
        Count, "smallest side of a matrix whose squares are factored"
    ] = 128,
) -> optax.GradientTransformation:
    """g / sqrt(v), clipped to RMS clipping_threshold, times the RMS of the parameters; v = d v + (1
    - d) g².

    d = 1 - t^-decay_rate at step t. Of a large matrix only the row means R and column means C of v
    are kept: v = R C' / mean(R). Shazeer & Stern 2018, arXiv:1804.04235.

    Example:
        >>> from research.optim.first_updates import first_updates
        >>> first_updates(adafactor(), [[3.0, -0.1]], kernel=[0.5, 0.5])  # times the RMS of w
        [[0.5, -0.5]]
    """
    # The clip comes before the parameters' scale, as in the paper: it bounds the relative update.
    parts = [
        optax.scale_by_factored_rms(
            decay_rate=decay_rate, min_dim_size_to_factor=min_dim_size_to_factor
        ),
        optax.clip_by_block_rms(clipping_threshold),
    ]
    return optax.chain(*parts, *([optax.scale_by_param_block_rms()] if parameter_scale else []))


OPTIMIZERS.add(
    Optimizer(
        name="lamb",
        build=lamb,
        summary="Adam, each array's step in proportion to the array's norm",
        paper="You et al. 2020, arXiv:1904.00962",
        version=2,
    )
)
OPTIMIZERS.add(
    Optimizer(
        name="adafactor",
        build=adafactor,
        summary="Adam without momentum, its second moment factored into rows and columns",
        paper="Shazeer & Stern 2018, arXiv:1804.04235",
    )
)
