"""The table of a design: what each factor does, alone, on average and together with others."""

import dataclasses
from typing import Any

from research.analysis.arms_table import ArmsTable, Cell, Column
from research.analysis.column_layout import ColumnLayout, adjusted_p
from research.analysis.layout import Grid, Prose, grids, texts
from research.analysis.number_format import NOTHING, scale_of
from research.analysis.tabular import Tabular
from research.sweeps.declare.designs import Effect


@dataclasses.dataclass(frozen=True)
class EffectRow:
    """One effect with a cell per column: `difference` is the effect, with its simultaneous
    interval; `values` has it for each seed."""

    label: str
    effect: Effect
    aliases: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclasses.dataclass(frozen=True)
class EffectsTable(Tabular):
    """A finished table of effects; nothing in it is rounded. arms: the table of the combinations.

    shown: the columns that a reader sees, by name; (): all of them.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[EffectRow, ...]
    arms: ArmsTable
    caption: str
    footer: tuple[str, ...]
    shown: tuple[str, ...] = ()

    def flat(self) -> list[dict[str, Any]]:
        """One flat record per effect and column, in full precision."""
        return [
            {
                "effect": row.label,
                "kind": row.effect.kind,
                "confounded_with": "; ".join(row.aliases),
                "column": column.label,
                "metric": column.metric,
                **_flat(cell),
            }
            for row in self.rows
            for column, cell in zip(self.columns, row.cells, strict=True)
        ]

    def tree(self) -> dict[str, Any]:
        """The effects with their values per seed, and the table of the combinations."""
        return {
            "title": self.title,
            "caption": self.caption,
            "footer": list(self.footer),
            "effects": [
                {**flat, "values": list(cell.values)}
                for flat, cell in zip(
                    self.flat(), (cell for row in self.rows for cell in row.cells), strict=True
                )
            ],
            "arms": self.arms.tree(),
        }


def _flat(cell: Cell) -> dict[str, Any]:
    effect = cell.difference
    return {
        "n": effect.n if effect else 0,
        "mean": effect and effect.mean,
        "half_width": effect and effect.half_width,
        "p": cell.p,
        "p_adjusted": cell.p_adjusted,
        "verdict": cell.verdict,
    }


@texts.register
def _texts_of_effects(table: EffectsTable) -> Prose:
    return Prose(table.title, table.caption, table.footer, table.arms.summary)


@grids.register
def _grids_of_effects(table: EffectsTable) -> list[Grid]:
    return [
        Grid(
            column.label if len(table.columns) > 1 else "",
            [
                ColumnLayout("factor", "l", lambda row: row.label, lambda row: row.label),
                ColumnLayout(
                    "effect", "l", lambda row: row.effect.kind, lambda row: row.effect.kind
                ),
                ColumnLayout(
                    "confounded with",
                    "l",
                    lambda row: "; ".join(row.aliases) or NOTHING,
                    lambda row: "; ".join(row.aliases) or None,
                ),
                *_measured(column, index),
            ],
        )
        for index, column in enumerate(table.columns)
    ]


def _measured(column: Column, index: int) -> list[ColumnLayout]:
    def text(row: EffectRow) -> str:
        effect = row.cells[index].difference
        return NOTHING if effect is None else scale_of(column, effect).interval(effect, sign="+")

    def value(row: EffectRow) -> float | None:
        effect = row.cells[index].difference
        return None if effect is None else effect.mean

    return [
        ColumnLayout(
            "n",
            "r",
            lambda row: str(d.n) if (d := row.cells[index].difference) else "0",
            lambda row: float(d.n) if (d := row.cells[index].difference) else 0.0,
        ),
        ColumnLayout(
            f"Δ {column.label}",
            "r",
            text,
            value,
            names=(column.label, column.metric, "difference"),
            better=column.better,
            percent=column.in_percent,
            decimal=True,
        ),
        adjusted_p(index),
        ColumnLayout(
            "verdict",
            "l",
            lambda row: row.cells[index].verdict,
            lambda row: row.cells[index].verdict or None,
        ),
    ]
