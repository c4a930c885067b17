"""ExecutionStrategy: how a pack's lanes run; stored beside records and read without JAX."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class ExecutionStrategy:
    """How the lanes of a pack run.

    With the program, the library versions and the kind of device, it determines every bit of a run.

    width: lanes that are mapped together in one chunk.
    steps: the most updates per dispatch.
    devices: over how many devices the chunks are spread.
    replicas: over how many devices each run is spread (research/training/devices/pmap.py),
        counted over all processes; more than one requires a width of one.
    """

    width: int
    steps: int
    devices: int = 1
    replicas: int = 1
