"""Data parallelism: one run over several devices, each with a share of every batch and a copy of
the state.

`jax.pmap` over the devices, those of other processes too (jax.distributed): each process feeds and
reads its own. All devices hold the same state, so what is saved or reported is the first one's.

A sum over devices waits for all of them: programs that are dispatched to the same devices from
several threads, in another order on each device, would wait for ever.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from research.training.devices.backend import Axes
from research.training.devices.batch_layout import Shard
from research.training.step.state import Tree

AXIS = "batch"


@dataclasses.dataclass(frozen=True)
class PmapBackend:
    """`jax.pmap` over devices. A `Backend`."""

    devices: tuple[jax.Device, ...]

    lanes: ClassVar[None] = None

    @property
    def shard(self) -> Shard:
        """See `Backend`."""
        return Shard(len(self.devices), AXIS)

    def compile(
        self, function: Callable[..., Any], axes: Axes, donate: tuple[int, ...] = ()
    ) -> Callable[..., Any]:
        """See `Backend`.

        Args:
            function: of leaves [W, ...].
            axes: of its arguments.
            donate: the arguments whose arrays are given away.
        """
        return jax.pmap(
            function, axis_name=AXIS, in_axes=axes, devices=self.devices, donate_argnums=donate
        )

    def share(self, tree: Tree) -> Tree:
        """See `Backend`."""
        return jax.device_put(tree, self._local(PartitionSpec()))

    def replicate(self, tree: Tree) -> Tree:
        """See `Backend`: each device has its copy of leaves [1, ...]."""
        sharding = self._local(PartitionSpec(AXIS))
        return jax.tree.map(
            lambda leaf: jax.device_put(self.repeat(np.asarray(leaf)), sharding), tree
        )

    def repeat(self, values: np.ndarray) -> np.ndarray:
        """See `Backend`. Leaves [1, ...], or those of a leaf that is replicated already."""
        return np.broadcast_to(values[:1], (len(self._local_devices()), *values.shape[1:]))

    def _local_devices(self) -> list[jax.Device]:
        return [device for device in self.devices if device.process_index == jax.process_index()]

    def _local(self, spec: PartitionSpec) -> NamedSharding:
        return NamedSharding(Mesh(np.array(self._local_devices()), (AXIS,)), spec)


def devices_of(replicas: int) -> tuple[jax.Device, ...]:
    """The devices that a run is spread over, as many of each process, a process's side by side."""
    each, left = divmod(replicas, jax.process_count())
    assert not left, (
        f"{replicas} devices cannot be taken evenly from {jax.process_count()} processes"
    )
    every = [
        jax.local_devices(process_index=process)[:each] for process in range(jax.process_count())
    ]
    assert all(len(of_process) == each for of_process in every), f"{replicas} devices are not there"
    return tuple(device for of_process in every for device in of_process)
