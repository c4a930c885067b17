"""Class weights: `balanced`, or a number per class: `{cat: 2, dog: 1}`."""

import dataclasses
import math
import re
from collections.abc import Sequence

import numpy as np

from research.errors import UserError, nearest

_NUMBER = r"[^\s,:{}]+"
# A name with a comma, a colon or a brace is written in quotes.
_ITEM = re.compile(rf"""\s*(?:"([^"]*)"|'([^']*)'|([^,:{{}}'"]+?))\s*:\s*({_NUMBER})\s*(?:,|$)""")
_PLAIN = re.compile(r"[^\s,:{}'\"](?:[^,:{}'\"]*[^\s,:{}'\"])?")


@dataclasses.dataclass(frozen=True)
class ClassWeight:
    """What each class weighs in the training loss.

    weights: (class, weight) by name; a class that is not named weighs 1. None: balanced.
    """

    weights: tuple[tuple[str, float], ...] | None = None

    @classmethod
    def parse(cls, text: str) -> "ClassWeight":
        """`balanced` or `{cat: 2, dog: 1}`. Raises UserError on anything else."""
        inside = text.strip()
        if inside == "balanced":
            return cls()
        if inside[:1] == "{" and inside[-1:] == "}":
            inside = inside[1:-1]
        weights: dict[str, float] = {}
        end = 0
        while end < len(inside) or not weights:
            item = _ITEM.match(inside, end)
            if item is None:
                raise UserError(
                    f"'{text}' is neither balanced nor a weight per class; write '{{cat: 2, dog:"
                    " 1}', and a name with a comma or a colon in quotes"
                )
            name = next(group for group in item.groups() if group is not None)
            if name in weights:
                raise UserError(f"class '{name}' has two weights; leave one of them out")
            weights[name] = _weight(name, item[4])
            end = item.end()
        # Sorted, so that two ways to write the same weights are one run.
        return cls(tuple(sorted(weights.items())))

    def __str__(self) -> str:
        if self.weights is None:
            return "balanced"
        items = [f"{_quoted(name)}: {_short(weight)}" for name, weight in self.weights]
        return f"{{{', '.join(items)}}}"

    def check(self, classes: Sequence[str]) -> None:
        """Raises UserError if a named class is not there, or if every class weighs 0.

        Args:
            classes: the names of all classes.
        """
        for name, _ in self.weights or ():
            if name not in classes:
                raise UserError(
                    f"class_weight: there is no class '{name}'; {nearest(name, classes)}"
                )
        if not self.of_classes(classes, np.ones(len(classes), int)).any():
            raise UserError("class_weight: every class weighs 0; give one a positive weight")

    def of_classes(self, classes: Sequence[str], counts: np.ndarray) -> np.ndarray:
        """The weight of each class, float64 [K].

        Balanced weights are n / (K n_k) over the K classes that have rows, as in scikit-learn's
        `compute_class_weight`; a class without rows weighs 1.

        Args:
            classes: the names of the classes.
            counts: the training rows of each class, [K].

        Example:
            >>> ClassWeight().of_classes(("cat", "dog"), np.array([3, 1])).round(3)
            array([0.667, 2.   ])
            >>> ClassWeight.parse("{dog: 5}").of_classes(("cat", "dog"), np.array([3, 1]))
            array([1., 5.])
        """
        if self.weights is not None:
            named = dict(self.weights)
            return np.array([named.get(name, 1.0) for name in classes])
        present = counts > 0
        balanced = counts.sum() / (present.sum() * np.maximum(counts, 1))
        return np.where(present, balanced, 1.0)


BALANCED = ClassWeight()


def _weight(name: str, text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 0 <= weight < math.inf:
        raise UserError(f"class '{name}' weighs '{text}'; expected a number of at least 0")
    return weight


def _short(weight: float) -> str:
    """The shortest text that parses back."""
    return repr(weight).removesuffix(".0")


def _quoted(name: str) -> str:
    if _PLAIN.fullmatch(name):
        return name
    return f"'{name}'" if '"' in name else f'"{name}"'
