"""Pure noise: a generated table whose features say nothing of its classes."""

from typing import Annotated

import numpy as np

from research import rng
from research.data.data_table import Table
from research.data.generated import Seed, generated
from research.errors import UserError
from research.options import Count, Range
from research.registry import DATASETS


def pure_noise(
    size: Annotated[Count, "rows"] = 60,
    features: Annotated[Count, "features that are drawn"] = 100,
    selected: Annotated[
        int, Range(0), "keep so many features, those nearest to the classes over all rows; 0: all"
    ] = 0,
    seed: Seed = 0,
) -> Table:
    """Normal features, and two classes of equal size that do not depend on them.

    On new rows nothing can be more accurate than a half. What scores better was chosen on the rows
    that it is scored on: `selected` does that, by the largest correlations with the classes.

    Args:
        size: number of rows.
        features: number of features that are drawn.
        selected: how many of them are kept; 0: all.
        seed: seed of all numbers.

    Raises:
        UserError: more features are to be kept than there are.

    Example:
        >>> every, chosen = pure_noise(size=20), pure_noise(size=20, selected=2)
        >>> best = [abs(np.corrcoef(column, every.y)[0, 1]) for column in chosen.x.T]
        >>> print(every.x.shape, chosen.x.shape, np.round(best, 2))
        (20, 100) (20, 2) [0.66 0.6 ]
    """
    if selected > features:
        raise UserError(
            f"pure_noise: selected={selected} is more than features={features}; use fewer"
        )
    draw = rng.host(seed, "pure_noise")
    y = draw.permutation(np.arange(size) % 2).astype(np.int32)
    x = draw.normal(size=(size, features)).astype(np.float32)
    names = np.array([f"x{number}" for number in range(features)])
    if selected:
        centred = x - x.mean(axis=0)
        correlation = (y - y.mean()) @ centred / np.linalg.norm(centred, axis=0)
        nearest = np.argsort(-np.abs(correlation), kind="stable")[:selected]
        x, names = x[:, nearest], names[nearest]
    return Table(x, y, ("0", "1"), tuple(map(str, names)))


DATASETS.add(generated(pure_noise, "normal features, and classes that do not depend on them"))
