"""ExecutionStrategy: how a pack's lanes run; stored beside records and read without JAX."""

import dataclasses
from collections.abc import Mapping
from typing import Any

# XLA's options by name, sorted.
CompilerOptions = tuple[tuple[str, str], ...]

# On a CPU XLA hands convolutions to YNNPACK, mostly on one thread. So they go to Eigen, on all
# threads; matrix products stay with YNNPACK.
EIGEN_CONVOLUTIONS: CompilerOptions = (
    ("xla_cpu_experimental_ynn_fusion_type", "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"),
)


@dataclasses.dataclass(frozen=True)
class ExecutionStrategy:
    """How the lanes of a pack run.

    With the program, the library versions and the kind of device, it determines every bit of a run.

    width: lanes that are mapped together in one chunk.
    steps: the most updates per dispatch.
    devices: over how many devices the chunks are spread.
    replicas: over how many devices each run is spread (research/training/devices/pmap.py),
        counted over all processes; more than one requires a width of one.
    compiler_options: XLA's options for every function of the chunk; none where a run is spread.
    """

    width: int
    steps: int
    devices: int = 1
    replicas: int = 1
    compiler_options: CompilerOptions = ()

    def __str__(self) -> str:
        fields = ", ".join(f"{name}={value}" for name, value in self.to_json().items())
        return f"ExecutionStrategy({fields})"

    def to_json(self) -> dict[str, Any]:
        """The fields; those that older versions did not have only where they say something."""
        fields = dataclasses.asdict(self)
        options = fields.pop("compiler_options")
        return fields | ({"compiler_options": dict(options)} if options else {})

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "ExecutionStrategy":
        """What `to_json` returned. Raises TypeError or ValueError if it is something else."""
        options = dict(content.get("compiler_options", {}))
        fields = {**content, "compiler_options": tuple(sorted(options.items()))}
        return ExecutionStrategy(**fields)
