"""A network for the tests of Slurm: its steps take as long as $NAP says, or end the process."""

import os
import signal
import time
from typing import Annotated

import flax.linen as nn
import jax
import numpy as np

from research.models.layers.forward import Forward
from research.plugin import architecture


@architecture(test_options={"width": 4})
class Slow(nn.Module):
    """One hidden layer whose steps take their time."""

    outputs: int
    width: Annotated[int, "hidden units"] = 8
    crash: Annotated[bool, "end the process in a step"] = False

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        y = nn.Dense(self.outputs)(nn.relu(nn.Dense(self.width)(x.reshape(x.shape[0], -1))))
        if not fwd.train:
            return y
        shape = jax.ShapeDtypeStruct((), y.dtype)
        return y + jax.pure_callback(
            self._nap, shape, jax.lax.stop_gradient(y[0, 0]), vmap_method="sequential"
        )

    def _nap(self, value: np.ndarray) -> np.ndarray:
        time.sleep(float(os.environ.get("NAP", "0")))
        if self.crash:
            os.kill(os.getpid(), signal.SIGSEGV)
        return np.zeros_like(value)
