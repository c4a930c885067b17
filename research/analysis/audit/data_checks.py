"""Checks of the data: rows that stand on both sides of a split, and columns that give the target
away."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from research.analysis.audit.data_parts import DataParts
from research.analysis.audit.finding import Finding
from research.data.features.table_columns import TableColumns
from research.words import plural

# A test row this much closer to a training row than training rows are to each other is a copy.
NEAR = 0.01
# A single column that predicts so well would make the network superfluous.
GIVEN_AWAY = 0.99
# Words in the names of columns that number persons, places or devices.
_GROUP_WORDS = frozenset(
    {"id", "patient", "subject", "person", "user", "customer", "group", "site", "device", "session"}
)
# A time grows from nearly every row to the next; a few rows may have been appended.
GROWING = 0.95
# Columns of wide inputs (images) are not looked at one by one.
MOST_COLUMNS = 256


def near_duplicates(data: DataParts) -> Iterator[Finding]:
    """Test rows that are also, or almost, training rows."""
    if not len(data.test) or data.spec.windows:
        return
    train, test = data.inputs(data.train), data.inputs(data.test)
    copies = _copies(train, test) if data.spec.inputs.tokens else _near(train, test)
    if copies:
        yield Finding(
            "problem",
            f"{data.name}: {plural(copies, 'test row')} of {len(data.test)} are copies of"
            " training rows, or nearly, so the test score measures memory in part",
            "remove the copies",
        )


def _copies(train: NDArray[Any], test: NDArray[Any]) -> int:
    """How many rows of `test` are also in `train`."""
    known = {row.tobytes() for row in train}
    return sum(row.tobytes() in known for row in test)


def _near(train: NDArray[Any], test: NDArray[Any]) -> int:
    """How many rows of `test` lie much closer to `train` than rows of `train` lie to each other."""
    from sklearn.neighbors import NearestNeighbors  # slow to import

    train, test = (np.nan_to_num(part.astype(np.float64)) for part in (train, test))
    spread = train.std(0)
    used = spread > 0
    if not used.any():
        return 0
    train, test = (part[:, used] / spread[used] for part in (train, test))
    neighbours = NearestNeighbors(n_neighbors=2).fit(train)
    # A training row's nearest is itself, so its second one counts.
    between = neighbours.kneighbors(train)[0][:, 1]
    nearest = neighbours.kneighbors(test, n_neighbors=1)[0][:, 0]
    return int((nearest <= NEAR * np.median(between)).sum())


def given_away(data: DataParts) -> Iterator[Finding]:
    """A column that predicts the target by itself."""
    spec = data.spec
    table = spec.inputs
    if not isinstance(table, TableColumns) or spec.targets.shape:
        return
    if spec.targets.unlabelled or not len(data.test) or spec.inputs.shape[0] > MOST_COLUMNS:
        return
    scores = _alone(data)
    for column in np.flatnonzero(scores >= GIVEN_AWAY):
        name = f"'{table.names[column]}'" if table.names else f"{column + 1}"
        yield Finding(
            "problem",
            f"{data.name}: column {name} alone predicts the test targets"
            f" ({_quality(data)} {scores[column]:.3f}); it may be made from the target",
            f"find out how the column was made; --drop={name} leaves it out of a csv file",
        )


def _quality(data: DataParts) -> str:
    return "balanced accuracy" if data.spec.targets.classes else "R²"


def _alone(data: DataParts) -> NDArray[np.float64]:
    """For each column, how well a small tree on it alone predicts the test targets."""
    from sklearn.metrics import balanced_accuracy_score, r2_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    train, test = data.inputs(data.train), data.inputs(data.test)
    y_train = data.targets(data.train)
    y_test = data.targets(data.test)
    scores = np.zeros(train.shape[1])
    if data.spec.targets.classes and len(np.unique(y_test)) < 2:
        return scores
    # Enough leaves for a monotone relation, too few to learn rows by heart.
    leaves = 4 * max(len(data.spec.targets.classes), 8)
    for column in range(train.shape[1]):
        x = train[:, [column]]
        x_test = test[:, [column]]
        if data.spec.targets.classes:
            tree = DecisionTreeClassifier(max_leaf_nodes=leaves, random_state=0)
            scores[column] = balanced_accuracy_score(y_test, tree.fit(x, y_train).predict(x_test))
        else:
            tree = DecisionTreeRegressor(max_leaf_nodes=leaves, random_state=0)
            known = ~np.isnan(y_train)
            known_test = ~np.isnan(y_test)
            fitted = tree.fit(x[known], y_train[known])
            scores[column] = r2_score(y_test[known_test], fitted.predict(x_test[known_test]))
    return scores


def shared_groups(data: DataParts) -> Iterator[Finding]:
    """A column that looks like the number of a person, place or device, with values on both sides
    of the split."""
    spec = data.spec
    table = spec.inputs
    if not isinstance(table, TableColumns) or not spec.targets.classes:
        return
    if not len(data.test):
        return
    for column in range(min(spec.inputs.shape[0], MOST_COLUMNS)):
        named = bool(table.names) and names_groups(table.names[column])
        groups = _groups(data, column, named)
        if groups:
            name = f"'{table.names[column]}'" if table.names else f"{column + 1}"
            each = "" if named else ", each with one class only,"
            yield Finding(
                "caution",
                f"{data.name}: column {name} has {groups} whole values{each} that occur in"
                " training and in test: it looks like the number of a group whose rows stand"
                " on both sides",
                "keep its rows together (--group and --split='group_kfold(5)'), or leave the"
                " column out",
            )


def names_groups(name: str) -> bool:
    """Whether a column is called like what numbers groups, as `Patient_ID`."""
    # `userId` is two words too.
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    return bool(_GROUP_WORDS & set(re.split(r"[^a-z]+", words.lower())))


def _groups(data: DataParts, column: int, named: bool) -> int:
    """How many values a column that numbers groups has in both parts; 0 if it does not look like
    one.

    Args:
        data: the data.
        column: which column.
        named: whether its name says that it numbers groups. Otherwise each value must have one
            class, since whole numbers may be anything.
    """
    rows = np.concatenate([data.train, data.test])
    x = data.inputs(rows)[:, column]
    y = data.targets(rows)
    values, index, counts = np.unique(x, return_inverse=True, return_counts=True)
    # A group's id comes back in several rows; fewer than ten values are rather classes.
    few = 10 <= len(values) <= len(x) / 3 and (counts > 1).mean() > 0.9
    if not few or not np.array_equal(values, np.round(values)):
        return 0
    classes = np.unique(y)
    table = np.zeros((len(values), len(classes)))
    np.add.at(table, (index, np.searchsorted(classes, y)), 1)
    pure = (table > 0).sum(1) == 1
    if not named and (pure.mean() < 0.95 or len(values) <= 2 * len(classes)):
        return 0
    shared = np.intersect1d(x[: len(data.train)], x[len(data.train) :])
    return len(shared)


def crossed_times(data: DataParts) -> Iterator[Finding]:
    """A column that grows from row to row, as a time does, where rows test that lie before training
    rows."""
    table = data.spec.inputs
    if not isinstance(table, TableColumns) or not len(data.test):
        return
    rows = np.sort(np.concatenate([data.train, data.test]))
    x = data.inputs(rows)
    for column in range(min(x.shape[1], MOST_COLUMNS)):
        times = x[:, column]
        # A time seldom stands still, unlike a class by which a file is sorted.
        if np.isnan(times).any() or (np.diff(times) >= 0).mean() < GROWING:
            continue
        if len(np.unique(times)) < len(times) / 3:
            continue
        latest = times[np.isin(rows, data.train)].max()
        before = int((times[np.isin(rows, data.test)] < latest).sum())
        if before:
            name = f"'{table.names[column]}'" if table.names else f"{column + 1}"
            yield Finding(
                "caution",
                f"{data.name}: column {name} grows from row to row, as a time does, and"
                f" {before} of {len(data.test)} test rows lie before training rows: the"
                " network learns from the future",
                "test on later rows (--split='time_series(5)'); if it only numbers the rows,"
                " leave it out",
            )


def test_rows(data: DataParts) -> Iterator[Finding]:
    """So few test rows that one of them is worth more than the differences that are claimed."""
    rows = len(data.test)
    if data.spec.targets.classes and 0 < rows < 200:
        yield Finding(
            "caution",
            f"{data.name}: {rows} test rows; one of them is {100 / rows:.2g} points of"
            " accuracy, and a score of 90 % has a standard error of"
            f" {100 * (0.9 * 0.1 / rows) ** 0.5:.2g} points from the rows alone",
            "use more test rows, as by --split=6:1:3",
        )
