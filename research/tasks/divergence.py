"""Losses of variational autoencoders: the reconstruction's error and the latents' divergence from
their prior.

Outputs are [B, D + 2L]: the reconstruction of D inputs, and the mean and the log-variance of L
latents.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp

from research.registry import LOSSES, Loss


def divergence(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """KL(N(mean, variance) ‖ N(0, 1)), summed over the latents, [B]; Kingma & Welling 2014,
    appendix B."""
    # A log-variance and not a variance: its exponential is positive whatever the network says.
    mean, log_variance = jnp.split(outputs[..., targets.shape[-1] :], 2, axis=-1)
    return 0.5 * jnp.sum(mean**2 + jnp.exp(log_variance) - 1 - log_variance, axis=-1)


def squared_kl(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Σ_k (z_k - t_k)² + KL: DeepOBS's loss of a vae.

    Example:
        >>> outputs = jnp.array([[0.5, 2.0, 0.0]])  # one input, and a latent of N(2, 1)
        >>> print(squared_kl(outputs, jnp.array([[1.0]])))  # 0.5² + 2² / 2
        [2.25]
    """
    return jnp.sum((outputs[..., : targets.shape[-1]] - targets) ** 2, axis=-1) + divergence(
        outputs, targets
    )


def bernoulli_kl(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """-log p(t) + KL, with outputs the logits of independent pixels; a bound on -log p(t) where t
    is 0 or 1.

    Example:
        >>> outputs = jnp.array([[0.0, 2.0, 0.0]])  # one pixel of odds 1, and a latent of N(2, 1)
        >>> print(bernoulli_kl(outputs, jnp.array([[1.0]])).round(3))  # log 2 + 2² / 2
        [2.693]
    """
    logits = outputs[..., : targets.shape[-1]]
    # softplus(z) - t z is the cross-entropy without log(sigmoid(z)), which is -inf at large |z|.
    return jnp.sum(jax.nn.softplus(logits) - targets * logits, axis=-1) + divergence(
        outputs, targets
    )


def gaussian_bound(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """The evidence's lower bound in nats, [B], to which `squared_kl` belongs: inputs with the
    variance ½ each."""
    return -squared_kl(outputs, targets) - targets.shape[-1] / 2 * math.log(math.pi)


def _reads_latents(config: Any, spec: Any) -> str | None:
    """The network has latents."""
    if "latents" in dict(config.arch.options):
        return None
    return (
        f"loss={config.loss} is of latents, and arch={config.arch.name} has none; use arch=vae, or"
        " another loss"
    )


def _reads_logits(config: Any, spec: Any) -> str | None:
    """Outputs are logits, and inputs lie in [0, 1]."""
    if dict(config.arch.options).get(
        "output", "identity"
    ) == "identity" and spec.inputs.in_unit_interval(config.scaling):
        return None
    return (
        f"loss={config.loss} takes logits of inputs in [0, 1]; say --arch.output=identity"
        " --scaling=minmax"
    )


LOSSES.add(
    Loss(
        "squared_kl",
        lambda: squared_kl,
        "squared error of the reconstruction and KL of the latents",
        "Kingma & Welling 2014; Schneider et al. 2019, DeepOBS",
        tasks=("reconstruction",),
        constraints=(_reads_latents,),
        scores=lambda outputs, width: outputs[..., :width],
        latents=True,
        metrics={"squared_kl": squared_kl, "elbo": gaussian_bound, "kl": divergence},
    )
)
LOSSES.add(
    Loss(
        "bernoulli_kl",
        lambda: bernoulli_kl,
        "cross-entropy of the reconstruction's pixels and KL of the latents",
        "Kingma & Welling 2014, Auto-encoding variational Bayes",
        tasks=("reconstruction",),
        constraints=(_reads_latents, _reads_logits),
        scores=lambda outputs, width: jax.nn.sigmoid(outputs[..., :width]),
        latents=True,
        metrics={
            "bernoulli_kl": bernoulli_kl,
            "elbo": lambda outputs, targets: -bernoulli_kl(outputs, targets),
            "kl": divergence,
        },
    )
)
