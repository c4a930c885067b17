"""The library: from a run's config to its record and its table. `import research as rs` gives its
Python API."""

import importlib
from typing import Any

__version__ = "0.1.0"

# What research.api offers. It is imported when it is first used, since it brings JAX with it.
__all__ = [
    "Columns",
    "ExperimentResult",
    "FoldsResult",
    "ImportanceResult",
    "NestedTuneResult",
    "RunResult",
    "SweepResult",
    "TableResult",
    "TuneResult",
    "UserError",
    "experiment",
    "explain",
    "list",
    "load",
    "sweep",
    "table",
    "train",
    "tune",
    "tune_nested",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(
            f"module 'research' has no attribute '{name}'; it offers {', '.join(__all__)}"
        )
    return getattr(importlib.import_module("research.api"), name)
