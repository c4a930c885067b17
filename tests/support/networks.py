"""Networks by themselves: begun and applied, each time as one program, where each operation alone
would be one."""

from typing import Any

import jax

import research.catalogue  # noqa: F401  (fills the registries)
from research.models.layers.forward import Forward
from research.registry import ARCHITECTURES, HostEstimator

EVALUATION = Forward()
# The architectures that are trained by updates.
NETWORKS = [entry.name for entry in ARCHITECTURES if not isinstance(entry, HostEstimator)]


def started(model: Any, x: Any, fwd: Forward = EVALUATION) -> Any:
    """The variables that a network begins with."""
    return jax.jit(lambda x: model.init(jax.random.key(0), x, fwd))(x)


def outputs(model: Any, variables: Any, x: Any, fwd: Forward = EVALUATION, **options: Any) -> Any:
    """What `model.apply` gives for these variables, with its options."""
    return jax.jit(lambda variables, x: model.apply(variables, x, fwd, **options))(variables, x)
