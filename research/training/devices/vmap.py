"""Lanes mapped together on one device."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import numpy as np

from research.training.devices.backend import Axes
from research.training.devices.batch_layout import Shard
from research.training.devices.strategy import CompilerOptions
from research.training.step.state import Tree


@dataclasses.dataclass(frozen=True)
class VmapBackend:
    """`jax.vmap` over `width` lanes, compiled with XLA's options. A `Backend`.

    What it is given must be committed to `device`, which is no part of what is compiled.
    """

    width: int
    device: jax.Device | None = dataclasses.field(default=None, compare=False)
    compiler_options: CompilerOptions = ()

    shard: ClassVar[Shard] = Shard()

    @property
    def lanes(self) -> int:
        """See `Backend`."""
        return self.width

    def compile(
        self, function: Callable[..., Any], axes: Axes, donate: tuple[int, ...] = ()
    ) -> Callable[..., Any]:
        """See `Backend`.

        Args:
            function: of leaves [W, ...].
            axes: of its arguments.
            donate: the arguments whose arrays are given away.
        """
        options = dict(self.compiler_options) or None
        return jax.jit(function, donate_argnums=donate, compiler_options=options)

    def share(self, tree: Tree) -> Tree:
        """See `Backend`."""
        return jax.device_put(tree, self.device)

    def replicate(self, tree: Tree) -> Tree:
        """See `Backend`."""
        return jax.device_put(tree, self.device)

    def repeat(self, values: np.ndarray) -> np.ndarray:
        """See `Backend`."""
        return values


@functools.cache
def accepts(options: CompilerOptions) -> bool:
    """Whether this XLA knows the options."""
    try:
        jax.jit(lambda x: x, compiler_options=dict(options)).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True
