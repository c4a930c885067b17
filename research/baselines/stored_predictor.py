"""Stored predictors: a fitted estimator as an array of bytes, which runs keep as their
parameters."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from research.baselines.estimator import Predict
from research.errors import UserError

# Where the types of a stored predictor may come from. Loading makes objects of these, and no other
# code runs: a model may come from anyone.
TRUSTED = ("collections", "lightgbm", "research.baselines", "sklearn")
# A function with some arguments; the function must be trusted itself.
PARTIAL = "functools.partial"


def stored(predict: Predict) -> np.ndarray:
    """A predictor as uint8 [L], the same bytes for the same predictor.

    Args:
        predict: an object of a class of research/baselines; a plugin's function cannot be stored.

    Raises:
        UserError: it cannot be stored.
    """
    import skops.io

    try:
        content = _repeatable(skops.io.dumps(predict))
        foreign = _foreign(content)
    except Exception as error:  # whatever an object of a plugin raises
        foreign = [str(error).partition("\n")[0]]
    if foreign:
        raise UserError(
            f"its predictor cannot be stored ({foreign[0]}); only those of built-in estimators can"
        )
    return np.frombuffer(content, np.uint8)


def restored(content: np.ndarray) -> Predict:
    """The predictor of bytes [L]. Raises UserError if they hold types that are not trusted."""
    import skops.io

    data = content.tobytes()
    foreign = _foreign(data)
    if foreign:
        raise UserError(
            f"the stored predictor has objects of {', '.join(foreign)}; only those of"
            f" {', '.join(TRUSTED)} are loaded"
        )
    trusted = skops.io.get_untrusted_types(data=data)
    predict: Predict = skops.io.loads(data, trusted=trusted)
    return predict


def _repeatable(content: bytes) -> bytes:
    """The archive, compressed, with numbers for the names that skops draws and for the addresses of
    objects, and without dates."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    numbers: dict[int, int] = {}
    names: dict[str, str] = {}

    def numbered(node: dict[str, Any]) -> dict[str, Any]:
        if "__loader__" not in node:  # what a predictor holds, by the predictor's names
            return node
        if "__id__" in node:
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers))
        if "file" in node:
            name = node["file"]
            node["file"] = names.setdefault(name, f"{len(names)}{Path(name).suffix}")
        return node

    schema = json.loads(parts.pop("schema.json"), object_hook=numbered)
    repeatable = io.BytesIO()
    with zipfile.ZipFile(repeatable, "w", zipfile.ZIP_DEFLATED) as archive:
        texts = {"schema.json": json.dumps(schema).encode()}
        for name, data in (texts | {names[name]: parts[name] for name in names}).items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return repeatable.getvalue()


def _foreign(content: bytes) -> list[str]:
    """The types in stored bytes that are not trusted."""
    import skops.io

    types = skops.io.get_untrusted_types(data=content)
    return [
        name
        for name in types
        if name != PARTIAL and not any(name.startswith(f"{package}.") for package in TRUSTED)
    ]
