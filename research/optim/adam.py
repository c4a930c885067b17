"""Adam and its relatives: bias-corrected moving averages of the gradient and of its square.

Throughout, m = b1 m + (1 - b1) g and v = b2 v + (1 - b2) g², and a hat is the bias correction at
step t: m̂ = m / (1 - b1^t), v̂ = v / (1 - b2^t).
"""

from typing import Annotated

import optax

from research import kernels
from research.options import NonNegative, Positive, Probability
from research.registry import OPTIMIZERS, Optimizer

FirstDecay = Annotated[Probability, "decay of the average of gradients"]
SecondDecay = Annotated[Probability, "decay of the average of squared gradients"]
Epsilon = Annotated[Positive, "added to the denominator"]


def adam(
    b1: FirstDecay = 0.9, b2: SecondDecay = 0.999, eps: Epsilon = 1e-8
) -> optax.GradientTransformation:
    """The update is m̂ / (sqrt(v̂) + eps). Kingma & Ba 2015, arXiv:1412.6980.

    Example:
        >>> from research.optim.first_updates import first_updates
        >>> first_updates(adam(), [[3.0, -0.01]])  # the sizes of gradients cancel
        [[1.0, -1.0]]
    """
    return optax.scale_by_adam(b1, b2, eps)


def adamw(
    b1: FirstDecay = 0.9,
    b2: SecondDecay = 0.999,
    eps: Epsilon = 1e-8,
    weight_decay: Annotated[
        NonNegative, "decoupled decay of the kernels, times the learning rate"
    ] = 0.01,
) -> optax.GradientTransformation:
    """Adam's update + weight_decay w, on kernels only: unlike L2 in the loss, it is not divided by
    sqrt(v̂).

    Loshchilov & Hutter 2019, arXiv:1711.05101, in the form that multiplies the decay by the
    learning rate.

    Example:
        >>> from research.optim.first_updates import first_updates
        >>> first_updates(adamw(weight_decay=0.1), [[3.0, 0.01]], kernel=[1.0, 5.0])  # 1 + 0.1 w
        [[1.1, 1.5]]
    """
    return optax.chain(
        optax.scale_by_adam(b1, b2, eps),
        # Behind the division by sqrt(v̂): this is what decouples the decay. The mask is a function,
        # since the parameters are not known yet.
        optax.add_decayed_weights(weight_decay, kernels.kernel_mask),
    )


def adamax(
    b1: FirstDecay = 0.9,
    b2: Annotated[Probability, "decay of the running maximum"] = 0.999,
    eps: Annotated[Positive, "added to |g|"] = 1e-8,
) -> optax.GradientTransformation:
    """Adam in the infinity norm: u = max(b2 u, |g| + eps); the update is m̂ / u. arXiv:1412.6980,
    section 7.

    Example:
        >>> from research.optim.first_updates import first_updates
        >>> first_updates(adamax(), [[3.0], [1.0], [1.0]])  # divided by the running maximum of |g|
        [[1.0], [0.65], [0.534]]
    """
    return optax.scale_by_adamax(b1, b2, eps)


def nadam(
    b1: FirstDecay = 0.9, b2: SecondDecay = 0.999, eps: Epsilon = 1e-8
) -> optax.GradientTransformation:
    """Adam with Nesterov's look-ahead in place of m̂: b1 m / (1 - b1^(t+1)) + (1 - b1) g / (1 -
    b1^t).

    Dozat, ICLR workshop 2016.

    Example:
        >>> from research.optim.first_updates import first_updates
        >>> first_updates(nadam(), [[3.0], [-3.0]])
        [[1.474], [-0.56]]
        >>> first_updates(adam(), [[3.0], [-3.0]])  # adam turns later
        [[1.0], [-0.053]]
    """
    # Dozat's schedule of b1 is left out, as in optax.
    return optax.scale_by_adam(b1, b2, eps, nesterov=True)


def radam(
    b1: FirstDecay = 0.9, b2: SecondDecay = 0.999, eps: Epsilon = 1e-8
) -> optax.GradientTransformation:
    """Adam times r(t), which takes out the variance that v̂ has in the first steps.

    With ρ∞ = 2 / (1 - b2) - 1 and ρ = ρ∞ - 2 t b2^t / (1 - b2^t):
    r = sqrt((ρ - 4)(ρ - 2) ρ∞ / ((ρ∞ - 4)(ρ∞ - 2) ρ)), and while ρ < 5 the update is m̂ alone.
    Liu et al. 2020, arXiv:1908.03265.

    Example:
        >>> from research.optim.first_updates import first_updates
        >>> first_updates(radam(), [[3.0]] * 6)  # m̂ alone in the first five steps
        [[3.0], [3.0], [3.0], [3.0], [3.0], [0.026]]
    """
    return optax.scale_by_radam(b1, b2, eps)


def amsgrad(
    b1: FirstDecay = 0.9, b2: SecondDecay = 0.999, eps: Epsilon = 1e-8
) -> optax.GradientTransformation:
    """Adam over the largest v̂ so far, so that rates never grow: m̂ / (sqrt(max v̂) + eps).

    Reddi et al. 2018, arXiv:1904.09237, with Adam's bias corrections.

    Example:
        >>> from research.optim.first_updates import first_updates
        >>> first_updates(amsgrad(b1=0.0, b2=0.5), [[4.0], [1.0], [1.0]])
        [[1.0], [0.25], [0.25]]
        >>> first_updates(adam(b1=0.0, b2=0.5), [[4.0], [1.0], [1.0]])  # forgets the 4
        [[1.0], [0.408], [0.564]]
    """
    return optax.scale_by_amsgrad(b1, b2, eps)


def adabelief(
    b1: FirstDecay = 0.9,
    b2: Annotated[Probability, "decay of the average of squared distances"] = 0.999,
    eps: Annotated[Positive, "added to the average of squared distances and to its root"] = 1e-16,
) -> optax.GradientTransformation:
    """Adam with the squared surprise in place of g²: s = b2 s + (1 - b2) (g - m)² + eps; m̂ /
    (sqrt(ŝ) + eps).

    Zhuang et al. 2020, arXiv:2010.07468.

    Example:
        >>> from research.optim.first_updates import first_updates
        >>> first_updates(adabelief(), [[3.0], [3.0], [3.0]])  # larger, since g does not change
        [[1.111], [1.168], [1.226]]
    """
    # The paper adds eps in both places; optax would keep its default under the root.
    return optax.scale_by_belief(b1, b2, eps, eps_root=eps)


OPTIMIZERS.add(
    Optimizer(
        name="adam",
        build=adam,
        summary="bias-corrected moving averages of the gradient and of its square",
        paper="Kingma & Ba 2015, arXiv:1412.6980",
    )
)
OPTIMIZERS.add(
    Optimizer(
        name="adamw",
        build=adamw,
        summary="Adam with decoupled weight decay of the kernels, times the learning rate",
        paper="Loshchilov & Hutter 2019, arXiv:1711.05101",
    )
)
OPTIMIZERS.add(
    Optimizer(
        name="adamax",
        build=adamax,
        summary="Adam with the running maximum of |g| in place of the root of squares",
        paper="Kingma & Ba 2015, arXiv:1412.6980",
    )
)
OPTIMIZERS.add(
    Optimizer(
        name="nadam",
        build=nadam,
        summary="Adam with Nesterov's look-ahead",
        paper="Dozat, ICLR workshop 2016",
    )
)
OPTIMIZERS.add(
    Optimizer(
        name="radam",
        build=radam,
        summary="Adam with the variance of its first steps rectified",
        paper="Liu et al. 2020, arXiv:1908.03265",
    )
)
OPTIMIZERS.add(
    Optimizer(
        name="amsgrad",
        build=amsgrad,
        summary="Adam over the largest second moment so far",
        paper="Reddi et al. 2018, arXiv:1904.09237",
    )
)
OPTIMIZERS.add(
    Optimizer(
        name="adabelief",
        build=adabelief,
        summary="Adam scaled by the squared distance of the gradient from its average",
        paper="Zhuang et al. 2020, arXiv:2010.07468",
    )
)
