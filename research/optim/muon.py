"""Muon: orthogonalized momentum for kernels, Adam for everything else."""

import math
from typing import Annotated, Any

import jax
import optax
from optax.contrib import MuonDimensionNumbers, scale_by_muon

from research import kernels
from research.options import Count, Positive, Probability
from research.registry import OPTIMIZERS, REGULARIZERS, Optimizer


def muon(
    beta: Annotated[Probability, "decay of the average of gradients"] = 0.95,
    nesterov: Annotated[bool, "Nesterov's look-ahead in that average"] = True,
    ns_steps: Annotated[Count, "Newton-Schulz iterations"] = 5,
    b1: Annotated[
        Probability, "Adam's decay of the average of gradients, where Adam is used"
    ] = 0.9,
    b2: Annotated[
        Probability, "Adam's decay of the average of squares, where Adam is used"
    ] = 0.999,
    eps: Annotated[Positive, "added to both denominators"] = 1e-8,
) -> optax.GradientTransformation:
    """Kernels of two axes or more: U V' of the averaged gradient U S V', times sqrt(max(1, outputs
    / inputs)).

    U V' is found by Newton-Schulz iterations, to within singular values of about 0.7 to 1.2. A
    kernel [..., O] counts as the matrix [inputs, O], so a convolution's [H, W, I, O] is [HWI, O].
    Every other parameter has Adam's update. Jordan et al. 2024, kellerjordan.github.io/posts/muon.

    They give Adam the output head and the table of token vectors too. Here a head is a kernel as
    the others are, and so is a table that is tied to it (`arch.tied`); an untied table has Adam's
    update.

    Example:
        >>> kernel, gradient = jnp.ones([2, 2]), jnp.array([[9.0, 0.0], [0.0, 0.1]])
        >>> optimizer = muon()
        >>> updates, _ = optimizer.update({"kernel": gradient}, optimizer.init({"kernel": kernel}))
        >>> singular_values = np.linalg.svd(updates["kernel"], compute_uv=False)
        >>> print(singular_values.round(1))  # those of the gradient are 9 and 0.1
        [0.8 0.7]
    """
    orthogonalized = optax.chain(
        scale_by_muon(
            ns_steps=ns_steps,
            beta=beta,
            eps=eps,
            nesterov=nesterov,
            weight_dimension_numbers=_as_matrices,
        ),
        optax.stateless_with_tree_map(lambda update, _: update * _width_factor(update)),
    )
    # By kernels: optax.contrib.muon would pick every matrix, tables of vectors included.
    return optax.partition(
        {"muon": orthogonalized, "adam": optax.scale_by_adam(b1, b2, eps)},
        _labels,
    )


def _labels(params: Any) -> Any:
    """`muon` for the kernels of two axes or more, `adam` for everything else."""
    return jax.tree.map(
        lambda is_kernel, leaf: "muon" if is_kernel and leaf.ndim >= 2 else "adam",
        kernels.kernel_mask(params),
        params,
    )


def _as_matrices(updates: Any) -> Any:
    """For each kernel, its last axis as the outputs and all others as the inputs."""
    return jax.tree.map(
        lambda u: MuonDimensionNumbers(tuple(range(u.ndim - 1)), (u.ndim - 1,)), updates
    )


def _width_factor(kernel: jax.Array) -> float:
    """sqrt(max(1, outputs / inputs)), which keeps the RMS of a layer's change at any width."""
    # Size / outputs is the number of inputs. Shapes are static, so the factor is a Python number.
    return math.sqrt(max(1.0, kernel.shape[-1] ** 2 / kernel.size))


def _whole_kernels(config: Any, spec: Any) -> str | None:
    """No regularizer reparametrizes the kernels."""
    apart = [
        component.name
        for component in config.regularization
        if REGULARIZERS.get(component.name).site == "reparametrization"
    ]
    if not apart:
        return None
    return (
        f"optimizer=muon is of kernels, and {apart[0]} takes all of them apart: it would be Adam;"
        " leave one out"
    )


OPTIMIZERS.add(
    Optimizer(
        name="muon",
        build=muon,
        summary="orthogonalized momentum for kernels, Adam for everything else",
        paper="Jordan et al. 2024, kellerjordan.github.io/posts/muon",
        constraints=(_whole_kernels,),
    )
)
