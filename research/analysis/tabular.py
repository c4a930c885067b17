"""Tabular: what can be printed in every format: a table of arms, of runs, of trials, of effects."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Self


class Tabular:
    """A table. A frozen dataclass with these fields, and a `caption` or a `note` on its rows.

    rows: what it has a line of. shown: the columns that a reader sees, by header; (): all.
    """

    # Declared only: a property would keep a dataclass from setting its field.
    rows: tuple[Any, ...]
    shown: tuple[str, ...]

    def listing(self, rows: Sequence[Any], note: str, shown: tuple[str, ...]) -> Self:
        """The same table with some of its rows and columns; no number of a row changes.

        Args:
            rows: the rows to show, in order.
            note: a sentence on them for the caption.
            shown: the columns to show, by header; (): all.
        """
        table: Any = self
        remark = {"note": note}
        if hasattr(self, "caption"):
            remark = {"caption": f"{self.caption} {note}".rstrip()}
        listed: Self = dataclasses.replace(table, rows=tuple(rows), shown=shown, **remark)
        return listed

    def naming(self, names: Sequence[str]) -> Self:
        """The same table with a column for each of these names that it can have one for."""
        return self

    def flat(self) -> list[dict[str, Any]]:
        """The table as rows of a csv file."""
        raise NotImplementedError

    def tree(self) -> dict[str, Any]:
        """The table as JSON."""
        raise NotImplementedError
