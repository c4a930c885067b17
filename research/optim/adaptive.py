"""A rate per coordinate from squared gradients, without momentum: Adagrad, RMSprop, Adadelta."""

from typing import Annotated

import optax

from research.options import NonNegative, Positive, Probability
from research.registry import OPTIMIZERS, Optimizer


def adagrad(
    # Both defaults are those of optax and Keras.
    initial_accumulator: Annotated[NonNegative, "initial sum of squares"] = 0.1,
    eps: Annotated[Positive, "added under the root"] = 1e-7,
) -> optax.GradientTransformation:
    """s = s + g²; the update is g / sqrt(s + eps). Duchi et al., JMLR 2011.

    PyTorch's is g / (sqrt(s) + eps), from s = 0 and with eps = 1e-10.

    Example:
        >>> from research.optim.first_updates import first_updates
        >>> first_updates(adagrad(initial_accumulator=0.0), [[2.0], [2.0], [2.0], [2.0]])  # 1 / √t
        [[1.0], [0.707], [0.577], [0.5]]
    """
    return optax.scale_by_rss(initial_accumulator, eps)


def rmsprop(
    decay: Annotated[Probability, "decay of the average of squares"] = 0.9,
    eps: Annotated[Positive, "added under the root"] = 1e-8,
    momentum: Annotated[Probability, "heavy-ball momentum of the scaled gradient"] = 0.0,
) -> optax.GradientTransformation:
    """Adagrad with a moving average: v = decay v + (1 - decay) g²; the update is m = mu m + g /
    sqrt(v + eps).

    PyTorch divides by sqrt(v) + eps, as `chain(scale_by_rms(eps_in_sqrt=false),trace)` does, and
    has a decay of 0.99. Hinton, Neural Networks for Machine Learning, lecture 6e, 2012.

    Example:
        >>> from research.optim.first_updates import first_updates
        >>> first_updates(rmsprop(decay=0.5), [[2.0], [2.0], [2.0], [2.0]])  # falls to 1
        [[1.414], [1.155], [1.069], [1.033]]
    """
    # At momentum 0 a trace passes its input on, so the momentum may be a lane value.
    return optax.chain(optax.scale_by_rms(decay, eps), optax.trace(momentum))


def adadelta(
    rho: Annotated[Probability, "decay of both averages of squares"] = 0.9,
    eps: Annotated[Positive, "added under both roots; sets the first steps' size"] = 1e-6,
) -> optax.GradientTransformation:
    """RMSprop times the RMS of past updates: d = g sqrt(u + eps) / sqrt(v + eps), the update.

    v = rho v + (1 - rho) g² is taken before, u = rho u + (1 - rho) d² after it. The updates have
    the parameters' units, so its own learning rate is 1. Zeiler 2012, arXiv:1212.5701.

    Example:
        >>> from research.optim.first_updates import first_updates
        >>> first_updates(adadelta(), [[2.0], [2.0], [2.0]])  # grows from sqrt(eps)
        [[0.003], [0.003], [0.003]]
    """
    return optax.scale_by_adadelta(rho, eps)


OPTIMIZERS.add(
    Optimizer(
        name="adagrad",
        build=adagrad,
        summary="gradient over the root of the sum of all squared gradients so far",
        paper="Duchi et al., JMLR 2011",
    )
)
OPTIMIZERS.add(
    Optimizer(
        name="rmsprop",
        build=rmsprop,
        summary="gradient over the root of the moving average of squared gradients",
        paper="Hinton, lecture 6e, 2012",
    )
)
OPTIMIZERS.add(
    Optimizer(
        name="adadelta",
        build=adadelta,
        summary="RMSprop times the RMS of past updates; its natural learning rate is 1",
        paper="Zeiler 2012, arXiv:1212.5701",
    )
)
