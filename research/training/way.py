"""Way: how a pack runs; stored beside the records, and read by programs that need no JAX."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Way:
    """How a pack runs; together with program, versions and device kind it fixes every bit.

    width: lanes mapped together in one chunk. steps: most updates a dispatch. devices: over how
        many devices the chunks are spread. replicas: over how many devices each run is spread
        (research/training/parallel.py), those of all processes counted; more than one only with a
        width of one.
    """

    width: int
    steps: int
    devices: int = 1
    replicas: int = 1
