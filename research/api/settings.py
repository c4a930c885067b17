"""Keyword arguments as settings: `arch_hidden=(64,)` is the flag `--arch.hidden=64`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from research.config import FIELDS, NESTED, OPTIONS, PARTS, SHORT
from research.errors import UserError, nearest
from research.options import format_value
from research.synonyms import synonym

# Settings that name one entry of a registry; regularization names several.
_ONE_PART = frozenset(PARTS) - {"regularization"}


def settings_of(keywords: Mapping[str, Any]) -> dict[str, str]:
    """Settings by the names of their flags, with the flags' texts as values.

    A keyword is the flag's name (`learning_rate`, or `arch.hidden` in a dict), or has `_` in place
    of the flag's first `.` (`arch_hidden`).

    Raises:
        UserError: if no flag has the name, with the nearest names, or if a setting is given twice.
    """
    settings: dict[str, str] = {}
    for keyword, value in keywords.items():
        path = path_of(keyword)
        if path in settings:
            raise UserError(f"{path} is given twice; leave one of them out")
        _refuse_several(path, value)
        # Texts, as flags are: a run has the same id from Python and from the command line.
        settings[path] = text_of(value)
    return settings


def _refuse_several(path: str, value: Any) -> None:
    """Raises UserError for several values of a setting that has one per run."""
    single = path in OPTIONS and "tuple" not in str(OPTIONS[path].type)
    if not isinstance(value, list | tuple | range) or not (single or path in _ONE_PART):
        return
    several = (
        f"rs.sweep(settings, seeds={len(value)}) trains one per seed"
        if path == "seed"
        else f'rs.sweep(settings, grid={{"{path}": {list(value)!r}}}) trains one per value'
    )
    raise UserError(f"{path}={value!r}: a run takes one value; {several}")


def path_of(keyword: str) -> str:
    """The setting that a keyword names. Raises UserError if there is none."""
    for name in (keyword, keyword.replace("_", ".", 1)):
        if name in SHORT:
            return SHORT[name]
    if keyword in FIELDS or keyword.partition(".")[0] in NESTED:
        return keyword
    for part in PARTS:
        if keyword.startswith(f"{part}_"):
            return f"{part}.{keyword.removeprefix(f'{part}_')}"
    near = synonym(keyword) or keyword
    raise UserError(f"there is no setting '{keyword}'; {nearest(near, [*FIELDS, *SHORT])}")


def text_of(value: Any) -> str:
    """A value as a flag's text: (64, 64) is `64,64`, True is `true`, None is `none`."""
    if isinstance(value, Mapping):
        # Names and numbers may be NumPy's, whose repr is no text of a flag.
        pairs = [(str(name), np.asarray(item).tolist()) for name, item in value.items()]
        return str(dict(pairs))
    return format_value(tuple(value)) if isinstance(value, list) else format_value(value)


def axes_of(keyword: str, axes: Mapping[str, Any] | None) -> list[str]:
    """The axes of a keyword argument such as `grid`, as flags take them."""
    if axes is None:
        return []
    if not isinstance(axes, Mapping):
        raise UserError(
            f"{keyword}={axes!r}: expected a dict of values by setting, such as"
            f' {keyword}={{"learning_rate": [0.1, 1]}}'
        )
    return [_axis(path, values) for path, values in axes.items()]


def _axis(path: str, values: Any) -> str:
    """An axis as its flag takes it: `learning_rate=0.01|0.1`. A text such as `log(1e-4,1)` is used
    as it is."""
    if isinstance(values, str):
        return f"{path_of(path)}={values}"
    if not isinstance(values, Sequence):
        raise UserError(
            f"{path}={values!r}: expected a list of values, or a text such as 'log(1e-4,1)'"
        )
    return f"{path_of(path)}={'|'.join(text_of(value) for value in values)}"
