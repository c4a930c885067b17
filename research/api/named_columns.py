"""Columns: named columns of equal length, such as curves; pandas only on request."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from research.errors import UserError, nearest


class Columns(Mapping[str, Sequence[Any]]):
    """A mapping from names to columns of equal length.

    >>> curves = Columns({"train/loss": [1.0, 0.5], "test/loss": [1.25, 0.75]})
    >>> curves["train/loss"][-1], len(curves), curves.rows
    (0.5, 2, 2)
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]], index: str = "") -> None:
        self._columns = dict(columns)
        self._index = index

    @property
    def rows(self) -> int:
        """The length of each column."""
        # Not `len`, which counts the names: a mapping's length is the number of its keys.
        return max((len(column) for column in self._columns.values()), default=0)

    def __getitem__(self, name: str) -> Sequence[Any]:
        if name not in self._columns:
            raise KeyError(f"there is no column '{name}'; {nearest(name, self._columns)}")
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        return f"Columns({self.rows} rows: {', '.join(self._columns)})"

    def to_pandas(self) -> Any:
        """A pandas.DataFrame. Raises UserError where pandas is not installed."""
        # Imported here: pandas is optional, and slow to import.
        try:
            import pandas
        except ImportError:
            raise UserError("to_pandas() requires pandas: pip install pandas") from None
        frame = pandas.DataFrame(self._columns)
        return frame.rename_axis(self._index) if self._index else frame
