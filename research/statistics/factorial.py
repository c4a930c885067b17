"""Effects of ingredients that are on or off: designs, and the contrasts that estimate from them.

A design is `on`: bool [A, K], which of K ingredients each of A arms has. A contrast is a vector of
weights [A]: the effect is the weighted sum of the arms' values.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from research.statistics.floats import Floats

Switches = NDArray[np.bool_]
# The indices of the ingredients in an effect: one for a main effect, two for an interaction.
Term = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Model:
    """The effects that a design can tell apart.

    terms: of each effect. contrasts: [E, A]. aliases: for each effect, the terms that the design
        cannot distinguish from it, with the sign at which they enter.
    """

    terms: tuple[Term, ...]
    contrasts: Floats
    aliases: tuple[tuple[tuple[int, Term], ...], ...]


def full(count: int) -> Switches:
    """All 2^K combinations [2^K, K], from nothing to everything; the first ingredient changes
    slowest.

    Example:
        >>> full(2).astype(int).tolist()
        [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    return np.array(list(itertools.product((False, True), repeat=count)), bool).reshape(-1, count)


def fraction(count: int, resolution: int) -> Switches:
    """The smallest regular fraction of the full design that has this resolution.

    At resolution 4, no main effect is confounded with an interaction of two; at 5, no two
    interactions of two are confounded either. The arm with nothing on is always part of it.

    Raises:
        ValueError: the resolution is below 3.

    Reference: Box, Hunter & Hunter, Statistics for Experimenters, 2nd ed., 2005, chapter 6.

    Example:
        >>> fraction(3, 3).astype(int).tolist()
        [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]
    """
    if resolution < 3:
        raise ValueError(f"a resolution is 3 or more, not {resolution}")
    for base in range(1, count):
        words = _generators(base, count - base, resolution)
        if words is not None:
            signs = np.where(full(base), 1, -1)
            # The sign leaves an added ingredient off where all others are off.
            added = [(-1) ** (len(word) + 1) * signs[:, list(word)].prod(1) > 0 for word in words]
            return np.column_stack([signs > 0, *added])
    return full(count)


def _generators(base: int, added: int, resolution: int) -> list[Term] | None:
    """For each added ingredient, the base ingredients whose product it is; None where no choice has
    the resolution."""
    candidates = [
        word
        for size in range(resolution - 1, base + 1)
        for word in itertools.combinations(range(base), size)
    ]
    for words in itertools.combinations(candidates, added):
        if all(length >= resolution for length in _word_lengths(words)):
            return list(words)
    return None


def _word_lengths(words: Sequence[Term]) -> Iterator[int]:
    """The lengths of all words of the defining relation, the products of generators."""
    for size in range(1, len(words) + 1):
        for chosen in itertools.combinations(words, size):
            product: set[int] = set()
            for word in chosen:
                product ^= set(word)
            yield len(product) + size


def leave_one_in(count: int) -> Switches:
    """Nothing, then each ingredient alone [1 + K, K]."""
    return np.vstack([np.zeros((1, count), bool), np.eye(count, dtype=bool)])


def leave_one_out(count: int) -> Switches:
    """Everything, then everything without each ingredient [1 + K, K]."""
    return ~leave_one_in(count)


def ladder(count: int) -> Switches:
    """Nothing, then one more ingredient at a time, in their order [1 + K, K]."""
    return np.tri(count + 1, count, -1).astype(bool)


def effects(on: Switches) -> Model:
    """Main effects and interactions of two of a full design or a regular fraction, by least
    squares.

    A main effect is the mean change of the metric when the ingredient is switched on, over the
    settings of the others. An interaction is how much larger the effect of one is with the other
    on than with it off. Terms that the design cannot tell apart share one effect, named after the
    first.
    """
    count = on.shape[1]
    # At levels of -1/2 and 1/2 a coefficient is the mean change itself.
    levels = on - 0.5
    pairs = itertools.combinations(range(count), 2)
    terms: list[Term] = [*((index,) for index in range(count)), *pairs]
    columns: list[Floats] = []
    distinct: list[Term] = []
    aliases: list[list[tuple[int, Term]]] = []
    for term in terms:
        column = levels[:, list(term)].prod(1)
        sign, match = _match(column, columns)
        if match is None:
            columns.append(column)
            distinct.append(term)
            aliases.append([])
        elif match >= 0:
            aliases[match].append((sign, term))
    # The columns of such designs are orthogonal, so least squares takes them one by one, exactly.
    contrasts = [column / (column @ column) for column in columns]
    return Model(tuple(distinct), np.array(contrasts), tuple(map(tuple, aliases)))


def _match(column: Floats, columns: Sequence[Floats]) -> tuple[int, int | None]:
    """(sign, index) of the earlier column that this one equals or negates; index None: none, and
    -1: the column is constant, so that nothing can be estimated from it."""
    if (column == column[0]).all():
        return 1, -1
    signs = np.sign(column)
    for index, other in enumerate(columns):
        product = int(signs @ np.sign(other))
        if abs(product) == len(column):
            return int(np.sign(product)), index
    return 1, None


def shapley(on: Switches) -> Floats:
    """The contrasts [K, A] of each ingredient's Shapley value, from a full design.

    It is the mean gain of adding the ingredient, over all orders in which the ingredients can be
    added. The values add up to the difference between everything and nothing.

    Reference: Shapley, A Value for n-Person Games, 1953.

    Example:
        >>> shapley(full(2)).tolist()
        [[-0.5, -0.5, 0.5, 0.5], [-0.5, 0.5, -0.5, 0.5]]
    """
    arms, count = on.shape
    index = {tuple(row): place for place, row in enumerate(on.tolist())}
    contrasts = np.zeros((count, arms))
    for row in on.tolist():
        size = sum(row)
        for player in (k for k in range(count) if not row[k]):
            weight = 1 / (count * math.comb(count - 1, size))
            joined = [*row[:player], True, *row[player + 1 :]]
            contrasts[player, index[tuple(joined)]] += weight
            contrasts[player, index[tuple(row)]] -= weight
    return contrasts


def shapley_of_orders(on: Switches, orders: Sequence[Sequence[int]]) -> Floats:
    """The contrasts [K, A] of Shapley values estimated from some orders, whose every beginning is
    an arm.

    Reference: Castro, Gómez & Tejada, Computers & Operations Research 2009.
    """
    arms, count = on.shape
    index = {tuple(row): place for place, row in enumerate(on.tolist())}
    contrasts = np.zeros((count, arms))
    for order in orders:
        row = [False] * count
        for player in order:
            before = index[tuple(row)]
            row[player] = True
            contrasts[player, index[tuple(row)]] += 1 / len(orders)
            contrasts[player, before] -= 1 / len(orders)
    return contrasts


def draw_orders(count: int, orders: int, seed: int) -> list[list[int]]:
    """Random orders of the ingredients, each beside its reverse, which cancels part of the chance.

    Args:
        count: number of ingredients.
        orders: how many orders, an even number.
        seed: seed of the draw.
    """
    random = np.random.default_rng(seed)
    drawn = [random.permutation(count).tolist() for _ in range(orders // 2)]
    return [order for each in drawn for order in (each, each[::-1])]
