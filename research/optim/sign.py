"""Steps of one size in every coordinate: Lion."""

from typing import Annotated

import optax

from research.options import Probability
from research.registry import OPTIMIZERS, Optimizer


def lion(
    b1: Annotated[Probability, "weight of the average in the update's direction"] = 0.9,
    b2: Annotated[Probability, "decay of the average of gradients"] = 0.99,
) -> optax.GradientTransformation:
    """The update is sign(b1 m + (1 - b1) g), after which m = b2 m + (1 - b2) g.

    Its learning rate is 3 to 10 times smaller than Adam's. Chen et al. 2023, arXiv:2302.06675.

    Example:
        >>> from research.optim.first_updates import first_updates
        >>> first_updates(lion(), [[3.0, -0.01], [3.0, -0.01]])  # always ±1
        [[1.0, -1.0], [1.0, -1.0]]
    """
    return optax.scale_by_lion(b1, b2)


OPTIMIZERS.add(
    Optimizer(
        name="lion",
        build=lion,
        summary="the sign of an interpolation of the gradient and its average",
        paper="Chen et al. 2023, arXiv:2302.06675",
    )
)
