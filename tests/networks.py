"""Networks by themselves: begun and applied, each time as one program, where each operation alone
would be one."""

from typing import Any

import jax

from research.models.layers.forward import Forward

EVALUATION = Forward()


def started(model: Any, x: Any, fwd: Forward = EVALUATION) -> Any:
    """The variables that a network begins with."""
    return jax.jit(lambda x: model.init(jax.random.key(0), x, fwd))(x)


def outputs(model: Any, variables: Any, x: Any, fwd: Forward = EVALUATION, **options: Any) -> Any:
    """What `model.apply` gives for these variables, with its options."""
    return jax.jit(lambda variables, x: model.apply(variables, x, fwd, **options))(variables, x)
