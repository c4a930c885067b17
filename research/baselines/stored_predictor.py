"""Stored predictors: a fitted estimator as an array of bytes, which runs keep as their
parameters."""

import zipfile

import numpy as np

from research.baselines.estimator import Predict
from research.errors import UserError

# Where the types of a stored predictor may come from. Loading makes objects of these, and no other
# code runs: a model may come from anyone.
TRUSTED = ("collections", "lightgbm", "research.baselines", "sklearn")


def stored(predict: Predict) -> np.ndarray:
    """A predictor as uint8 [L].

    Args:
        predict: an object of a class of research/baselines; a plugin's function cannot be stored.

    Raises:
        UserError: it cannot be stored.
    """
    import skops.io

    try:
        content = skops.io.dumps(predict, compression=zipfile.ZIP_DEFLATED)
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


def _foreign(content: bytes) -> list[str]:
    """The types in stored bytes that are not trusted."""
    import skops.io

    types = skops.io.get_untrusted_types(data=content)
    return [
        name for name in types if not any(name.startswith(f"{package}.") for package in TRUSTED)
    ]
