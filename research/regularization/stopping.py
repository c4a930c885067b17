"""Slot stopping: when training ends, from the validation losses or metrics of its epochs."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from research.options import NonNegative, PositiveWhole
from research.regularization.member import member

LOSS = "loss"


class StoppingState(NamedTuple):
    """best: float32 [], lowest loss; waited: int32 [], epochs since; stopped, improved: bool [], as
    of this epoch."""

    best: jax.Array
    waited: jax.Array
    stopped: jax.Array
    improved: jax.Array


class Stopping(NamedTuple):
    """`init() -> state`; `update(state, loss) -> state` after each epoch. Keep the parameters of
    `improved` epochs."""

    init: Callable[[], StoppingState]
    update: Callable[[StoppingState, jax.Array], StoppingState]


@member(
    "stopping",
    "validation",
    paper="Prechelt 1998, Early stopping: but when?",
    neutral={"patience": jnp.inf},
    test_options={"patience": 2.0},
)
def early_stopping(
    patience: Annotated[PositiveWhole, "epochs without improvement after which training stops"],
    min_delta: Annotated[NonNegative, "least improvement that counts"] = 0.0,
    metric: Annotated[str, "what of the validation rows must improve: loss, or a metric"] = LOSS,
) -> Stopping:
    """Stops when the validation loss has not improved for `patience` epochs and restores the best
    parameters.

    With another metric the engine passes that, negated where higher is better.

    Without patience's limit (infinity, never a user's value) every epoch counts as improved: the
    last is kept.

    Example:
        >>> rule = early_stopping(patience=2)
        >>> state = rule.init()
        >>> for loss in [0.5, 0.4, 0.45, 0.6]:
        ...     state = rule.update(state, jnp.array(loss))
        >>> bool(state.stopped), round(float(state.best), 2)
        (True, 0.4)
    """

    def init() -> StoppingState:
        # An infinite best loss makes the first finite epoch an improvement.
        return StoppingState(jnp.array(jnp.inf), jnp.array(0), jnp.array(False), jnp.array(False))

    def update(state: StoppingState, loss: jax.Array) -> StoppingState:
        # A NaN compares as False. A lane that has stopped keeps its best while the other lanes of
        # its program go on.
        lower = (loss < state.best - min_delta) & ~state.stopped
        waited = jnp.where(lower, 0, state.waited + 1)
        return StoppingState(
            best=jnp.where(lower, loss, state.best),
            waited=waited,
            stopped=state.stopped | (waited >= patience),
            improved=lower | jnp.isinf(patience),
        )

    return Stopping(init, update)
