"""The constraint of losses and metrics that are of two classes."""

from typing import Any


def two_classes(config: Any, spec: Any) -> str | None:
    """There are two classes."""
    count = spec.targets.width if spec.targets.of_classes else 0
    if count == 2:
        return None
    return f"it is of the second of two classes, and {spec.name} has {count}"
