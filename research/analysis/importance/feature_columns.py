"""FeatureColumns: a feature of a table or a series, and the columns that it is read from."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from research.data.features.categories import Categories
from research.data.features.engineered_table import EngineeredTable
from research.data.features.feature import Feature
from research.data.features.image import Image
from research.data.features.numbers import Numbers
from research.data.features.prepared_table import PreparedTable
from research.data.features.table_parts import TableParts
from research.errors import UserError


class FeatureColumns(NamedTuple):
    """A feature, or several that stay together.

    name: what it is called. columns: by input, "" of a single one, the places along its last axis.
    """

    name: str
    columns: dict[str, tuple[int, ...]]

    @property
    def coded(self) -> bool:
        """Whether it is read from several columns of one input, as a one-hot category is."""
        return any(len(places) > 1 for places in self.columns.values())


def features_of(inputs: Feature) -> list[FeatureColumns]:
    """The features of tables and series: a category with all its one-hot columns is one.

    Raises:
        UserError: the inputs are images or tokens, which have no columns.
    """
    if isinstance(inputs, TableParts):
        return [
            FeatureColumns(column, {name: (place,)})
            for name, part in inputs.parts.items()
            for place, column in enumerate(_names(part))
        ]
    if isinstance(inputs, EngineeredTable):
        # Its raw examples lack the columns that are made, which follow those that they are made of.
        inputs = inputs.stored
    if isinstance(inputs, PreparedTable):
        # Its raw examples have one column per stored column, of a category its place.
        names = inputs.stored.columns_by_name
        return [FeatureColumns(name, {"": (place,)}) for place, name in enumerate(names)]
    if isinstance(inputs, Image) or not isinstance(inputs, Numbers):
        raise UserError(
            f"{inputs.describe()} have no columns; --method=gradient, integrated_gradients and"
            " occlusion explain images"
        )
    return [FeatureColumns(name, {"": places}) for name, places in inputs.columns_by_name.items()]


def _names(part: Feature) -> tuple[str, ...]:
    """The columns of a table's numbers or categories."""
    return part.names if isinstance(part, Categories) else part.as_a(Numbers).names


def masks_of(features: Sequence[FeatureColumns], x: Any) -> Any:
    """Which columns each feature has: bool [F, D], of several inputs by name.

    Args:
        features: F features.
        x: raw inputs, [N, ..., D] or a dict of them.
    """

    def mask(name: str, array: np.ndarray) -> np.ndarray:
        columns = np.zeros((len(features), array.shape[-1]), bool)
        for row, feature in zip(columns, features, strict=True):
            row[[*feature.columns.get(name, ())]] = True
        return columns

    return {name: mask(name, x[name]) for name in x} if isinstance(x, dict) else mask("", x)


def correlated(
    features: Sequence[FeatureColumns], x: Any, threshold: float
) -> list[FeatureColumns]:
    """The features with those joined that are correlated: within a group every pair has a rank
    correlation of at least the threshold.

    Groups are those of complete linkage. Categories are compared by their one-hot columns: the
    largest correlation counts.

    Args:
        features: the features.
        x: raw inputs of some rows, [N, D]; of several inputs, a dict of them.
        threshold: above 0, up to 1: the least |Spearman's correlation|.

    Example:
        >>> x = np.array([[1.0, 2.0, 5.0], [2.0, 4.0, 1.0], [3.0, 9.0, 4.0], [4.0, 10.0, 2.0]])
        >>> names = [FeatureColumns(name, {"": (place,)}) for place, name in enumerate("abc")]
        >>> [feature.name for feature in correlated(names, x, 0.9)]
        ['a + b', 'c']
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform
    from scipy.stats import rankdata

    if len(features) < 2:
        return [*features]
    arrays = x if isinstance(x, dict) else {"": x}
    ranks = [
        rankdata(np.nan_to_num(arrays[name][..., [*places]]).reshape(-1, len(places)), axis=0)
        for feature in features
        for name, places in feature.columns.items()
    ]
    owner = np.repeat(np.arange(len(features)), [part.shape[1] for part in ranks])
    with np.errstate(invalid="ignore"):  # a constant column has no correlation
        between = np.abs(np.nan_to_num(np.corrcoef(np.concatenate(ranks, axis=1).T)))
    largest = np.zeros((len(features), len(features)))
    np.maximum.at(largest, (owner[:, None], owner[None, :]), between)
    distances = 1 - largest
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances.clip(0), checks=False), "complete")
    # A tolerance, since 1 - 0.9 is not the distance of a correlation of exactly 0.9.
    labels = fcluster(tree, 1 - threshold + 1e-9, "distance")
    groups: dict[int, list[FeatureColumns]] = {}
    for feature, label in zip(features, labels.tolist(), strict=True):
        groups.setdefault(label, []).append(feature)
    return [_joined(group) for group in groups.values()]


def _joined(group: Sequence[FeatureColumns]) -> FeatureColumns:
    columns: dict[str, tuple[int, ...]] = {}
    for feature in group:
        for name, places in feature.columns.items():
            columns[name] = columns.get(name, ()) + places
    return FeatureColumns(" + ".join(feature.name for feature in group), columns)
