"""Fold numbers: which folds of a split test, and which are inner folds of those."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class FoldNumbers:
    """The folds of a split, by number: first those that test, then the inner folds of the first of
    them, of the second and so on.

    count: how many folds test. inner: how many inner folds each of them has.

    Example:
        >>> folds = FoldNumbers(count=2, inner=3)
        >>> folds.total, folds.inner_of(1), folds.outer_of(7), folds.outer_of(1)
        (8, (5, 6, 7), 1, None)
    """

    count: int
    inner: int = 0

    @classmethod
    def among(cls, total: int, inner: int) -> "FoldNumbers":
        """The numbers of so many folds in all, with so many inner ones per fold that tests."""
        return cls(total // (1 + inner), inner)

    @property
    def total(self) -> int:
        """How many folds there are, inner ones included."""
        return self.count * (1 + self.inner)

    @property
    def inner_numbers(self) -> range:
        """The numbers of all inner folds."""
        return range(self.count, self.total)

    def inner_of(self, fold: int) -> tuple[int, ...]:
        """The numbers of the inner folds of one that tests."""
        return tuple(self.inner_numbers[fold * self.inner : (fold + 1) * self.inner])

    def outer_of(self, number: int) -> int | None:
        """The fold whose inner fold has this number; None for a fold that tests."""
        if number not in self.inner_numbers:
            return None
        return (number - self.count) // self.inner
