"""Local response normalization."""

import jax
import jax.numpy as jnp


def local_response_norm(
    x: jax.Array, radius: int = 4, bias: float = 1.0, alpha: float = 0.001 / 9, beta: float = 0.75
) -> jax.Array:
    """x / (bias + alpha Σ x²)^beta, the sum over the channels at most `radius` away (Krizhevsky et
    al. 2012).

    x: [..., C]. The constants are those of TensorFlow's CIFAR-10 network, which Zhang et al. 2017
        built on.
    """
    squares = jnp.pad(jnp.square(x), [(0, 0)] * (x.ndim - 1) + [(radius, radius)])
    near = sum(squares[..., offset : offset + x.shape[-1]] for offset in range(2 * radius + 1))
    return x / (bias + alpha * near) ** beta
