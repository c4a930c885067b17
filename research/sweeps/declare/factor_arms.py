"""The arms that factors make: the settings and the label of each combination."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from research import grammar
from research.components import regularizer_and_options
from research.errors import UserError
from research.options import format_value
from research.registry import REGULARIZERS, load_package

REGULARIZATION = "regularization"


def combined(
    base: Mapping[str, Any],
    factors: Mapping[str, Mapping[str, Any]],
    on: Sequence[bool],
    neutral: bool,
) -> dict[str, Any]:
    """What the arm with these factors changes in the base.

    Regularizers add up, those of the base included. Any other setting may be changed by one factor
    only.

    Args:
        base: the settings of every arm.
        factors: what each factor changes when it is on.
        on: which factors the arm has.
        neutral: a regularizer that is off has its neutral strength, at which it does nothing. Then
            the arms differ in numbers only, and share one compiled program.

    Raises:
        UserError: two factors set the same other setting.
    """
    result: dict[str, Any] = {}
    owners: dict[str, str] = {}
    regularizers = [base.get(REGULARIZATION, "none")]
    for (name, settings), used in zip(factors.items(), on, strict=True):
        for path, value in settings.items():
            if path == REGULARIZATION:
                regularizers.append(value if used else _neutral(value) if neutral else "none")
                continue
            if path in owners:
                raise UserError(
                    f"the factors '{owners[path]}' and '{name}' both set {path}; a factor is one"
                    " ingredient that is on or off, so let one factor alone set it"
                )
            owners[path] = name
            if used:
                result[path] = value
    present = [text for text in regularizers if text not in ("", "none")]
    return result | ({REGULARIZATION: ",".join(present)} if present else {})


def _neutral(text: str) -> str:
    """The regularizers of a list at their neutral strengths; those without one are left out."""
    load_package("research.regularization")
    texts = []
    for name, value in grammar.items(text):
        regularizer, options = regularizer_and_options(name, value)
        neutral = REGULARIZERS.get(regularizer).neutral
        # An infinite bound, as of max-norm, cannot be written as a flag.
        if neutral is not None and all(map(math.isfinite, neutral.values())):
            off = {option: format_value(number) for option, number in neutral.items()}
            arguments = ",".join(f"{key}=[{each}]" for key, each in {**options, **off}.items())
            texts.append(f"{regularizer}({arguments})")
    return ",".join(texts) or "none"


def label(names: Sequence[str], on: Sequence[bool]) -> str:
    """`nothing`, `dropout + mixup`, `all but mixup` or `all`."""
    used = [name for name, each in zip(names, on, strict=True) if each]
    unused = [name for name, each in zip(names, on, strict=True) if not each]
    if not used:
        return "nothing"
    if not unused:
        return "all" if len(names) > 1 else names[0]
    if len(unused) == 1 and len(names) > 3:
        return f"all but {unused[0]}"
    return " + ".join(used)
