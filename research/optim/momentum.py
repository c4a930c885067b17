"""Gradient descent and its momentum: heavy ball, moving average, Nesterov."""

from typing import Annotated, Literal

import optax

from research.config import RunConfig
from research.data.spec import DataSpec
from research.options import Probability
from research.registry import OPTIMIZERS, Optimizer


def sgd(
    momentum: Annotated[
        Probability, "share of the previous step that is kept; 0: plain gradient descent"
    ] = 0.0,
    style: Annotated[
        Literal["heavy_ball", "average"], "m = g + mu m, or m = (1 - mu) g + mu m"
    ] = "heavy_ball",
    nesterov: Annotated[bool, "take the gradient after the momentum step"] = False,
) -> optax.GradientTransformation:
    """Momentum: m = g + mu m (heavy ball) or m = (1 - mu) g + mu m (average); the update is m.

    Classical momentum takes the gradient at the current point, Nesterov's takes it after the
    momentum step. Here the parameters *are* that look-ahead point (Bengio et al., arXiv:1212.0901),
    so the update is g + mu m, or (1 - mu) g + mu m. The learning rate multiplies m, as in PyTorch,
    not the gradient inside it. The average starts at 0; PyTorch's dampening, otherwise the same,
    leaves the first gradient as it is. Sutskever et al., ICML 2013.

    Example:
        >>> from research.optim.first_updates import first_updates
        >>> first_updates(sgd(), [[1.0], [1.0], [1.0]])
        [[1.0], [1.0], [1.0]]
        >>> first_updates(sgd(momentum=0.5), [[1.0], [1.0], [1.0]])
        [[1.0], [1.5], [1.75]]
        >>> first_updates(sgd(momentum=0.5, style="average"), [[1.0], [1.0], [1.0]])
        [[0.5], [0.75], [0.875]]
        >>> first_updates(sgd(momentum=0.5, nesterov=True), [[1.0], [1.0], [1.0]])
        [[1.5], [1.75], [1.875]]
    """
    # Scaling g before the trace makes the trace an average, Nesterov's g term included. `style` is
    # static, so the momentum itself may be a lane value.
    trace = optax.trace(momentum, nesterov)
    return trace if style == "heavy_ball" else optax.chain(optax.scale(1 - momentum), trace)


def _looks_ahead_of_something(config: RunConfig, spec: DataSpec) -> str | None:
    """Nesterov's look-ahead requires a momentum above 0."""
    if not config.optimizer["nesterov"] or config.optimizer["momentum"]:
        return None
    return (
        "optimizer.nesterov=true looks ahead along the momentum, and optimizer.momentum is"
        " 0, so it would have no effect; try --optimizer.momentum=0.9"
    )


OPTIMIZERS.add(
    Optimizer(
        name="sgd",
        build=sgd,
        summary=(
            "mini-batch gradient descent; momentum as heavy ball, moving average or Nesterov's"
        ),
        paper="Robbins & Monro 1951; Sutskever et al., ICML 2013",
        constraints=(_looks_ahead_of_something,),
    )
)
