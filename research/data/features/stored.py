"""What is stored of features: by their kind, or by the flat fields of decoded copies and of older
runs."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from research.data.features.feature import Feature
from research.data.features.image import Image
from research.data.features.itself import Itself
from research.data.features.label import Label
from research.data.features.mask import Mask
from research.data.features.number import Number
from research.data.features.numbers import Numbers
from research.data.features.table_columns import TableColumns
from research.data.features.target import TargetFeature
from research.data.features.time_series import TimeSeries
from research.data.features.token_sequence import TokenSequence
from research.data.windows import Windowing
from research.registry import FEATURES, load_package

_NUMBERS = ("shape", "features", "maximum", "origin", "missing", "impute", "kinds", "padded")
_TOKENS = ("vocabulary", "even", "source", "end")
_TARGETS = ("classes", "target_shape", "target_origin", "numbered", "reconstructs")
_WINDOWS = ("windows", "parts", "burn_in", "series")


def to_json(feature: Feature) -> dict[str, Any]:
    """The fields of a feature, and its kind."""
    fields = {field.name: getattr(feature, field.name) for field in dataclasses.fields(feature)}
    return {"feature": feature.kind, **{name: _to_json(value) for name, value in fields.items()}}


def _to_json(value: Any) -> Any:
    if isinstance(value, Feature):
        return to_json(value)
    return [_to_json(part) for part in value] if isinstance(value, tuple) else value


def from_json(stored: Mapping[str, Any]) -> Any:
    """The feature of those fields."""
    load_package("research.data.features")
    fields = {name: _from_json(value) for name, value in stored.items()}
    return FEATURES.get(fields.pop("feature")).build(**fields)


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        return from_json(value)
    return tuple(map(_from_json, value)) if isinstance(value, list | tuple) else value


def with_tuples(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with tuples for the lists that JSON has."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in stored.items()}


def from_flat(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Flat fields with `inputs`, `targets` and `windows` for those that describe these."""
    fields = with_tuples(stored)
    taken = {name: fields.pop(name, None) for name in (*_NUMBERS, *_TOKENS, *_TARGETS, *_WINDOWS)}
    windows = None
    if taken["windows"]:
        # Windows of a sequence are never over early.
        taken["even"] = True
        windows = Windowing(taken["series"] or (), taken["parts"] or (), taken["burn_in"] or 0)
    return {
        **fields,
        "inputs": from_json(inputs) if (inputs := fields.pop("inputs", None)) else _inputs(taken),
        "targets": from_json(targets)
        if (targets := fields.pop("targets", None))
        else _targets(taken),
        "windows": windows,
    }


def _inputs(fields: Mapping[str, Any]) -> Feature:
    shape = fields["shape"]
    if fields["vocabulary"]:
        return TokenSequence(
            shape,
            fields["vocabulary"],
            bool(fields["even"]),
            fields["source"] or 0,
            fields["end"] or "",
        )
    numbers = {
        "shape": shape,
        "names": fields["features"] or (),
        "maximum": fields["maximum"] or 1.0,
        "origin": fields["origin"] or (),
        "missing": fields["missing"] or (),
    }
    if fields["windows"] or len(shape) == 2:
        return TimeSeries(**numbers, padded=bool(fields["padded"]))
    if len(shape) == 1:
        return TableColumns(
            **numbers, impute=fields["impute"] or "", categories=fields["kinds"] or ()
        )
    return (Image if len(shape) == 3 else Numbers)(**numbers)


def _targets(fields: Mapping[str, Any]) -> TargetFeature:
    places = fields["target_shape"] or ()
    even = bool(fields["even"])
    if fields["reconstructs"]:
        return Itself(size=math.prod(fields["shape"]))
    if fields["classes"]:
        kind = Mask if len(places) > 1 else Label
        return kind(places, even, fields["classes"], bool(fields["numbered"]))
    return Number(places, even, fields["target_origin"] or 0.0)
