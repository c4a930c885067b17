"""Compatibility: whether an architecture takes the features of a data set, and what does."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from research.data.features.named_inputs import NamedInputs
from research.data.spec import DataSpec
from research.errors import ShapeError
from research.registry import ARCHITECTURES, FEATURES, Architecture


def as_taken(spec: DataSpec, entry: Architecture) -> DataSpec:
    """A data set with its inputs as an architecture takes them.

    Raises ShapeError, which names what the data has, what the architecture takes, and which others
    would fit, if it cannot read them.
    """
    if not isinstance(entry.features, Mapping):
        if isinstance(spec.inputs, NamedInputs):
            raise ShapeError(_misfit(spec, entry))
        return spec
    inputs = spec.inputs.named(entry.features)
    if inputs is None:
        raise ShapeError(_misfit(spec, entry))
    return dataclasses.replace(spec, inputs=inputs)


def _misfit(spec: DataSpec, entry: Architecture) -> str:
    fitting = [other.name for other in ARCHITECTURES if _fits(spec, other)]
    # One input suits many networks: a few of them will do.
    others = ", ".join(fitting[:8]) + (", …" if len(fitting) > 8 else "")
    others = f"{others} take it" if fitting else "no architecture takes it"
    return (
        f"arch={entry.name} takes {_described(entry)}; {spec.name} has"
        f" {spec.inputs.describe()}; {others}"
    )


def _fits(spec: DataSpec, entry: Architecture) -> bool:
    """Whether an architecture takes the inputs and the targets, its other requirements apart."""
    answers = bool(spec.target_shape) <= ("per_step" in entry.needs_facts)
    if isinstance(entry.features, Mapping):
        return answers and spec.inputs.named(entry.features) is not None
    if isinstance(spec.inputs, NamedInputs):
        return False
    ranks = not entry.inputs or len(spec.shape) in entry.inputs
    reads = spec.inputs.numeric or "vocabulary" in entry.needs_facts
    whole = not spec.padded or "padded" in entry.needs_facts
    return answers and ranks and reads and whole


def _described(entry: Architecture) -> str:
    if not isinstance(entry.features, Mapping):
        return "one input"
    kinds: dict[str, Any] = {n: FEATURES.get(kind).build for n, kind in entry.features.items()}
    counted = {name: kind.counted for name, kind in kinds.items()}
    return " and ".join(f"{name} ({what})" for name, what in counted.items())
