"""From the table of a design's combinations to the effects of its factors."""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from research.analysis import provenance_text
from research.analysis.arms_table import (
    BETTER,
    FOLD,
    UNDECIDED,
    WORSE,
    ArmsTable,
    Cell,
    Column,
)
from research.analysis.captions import left_out
from research.analysis.comparing import first_failure, rounding_of
from research.analysis.effects_table import EffectRow, EffectsTable
from research.analysis.weighing import weighing
from research.statistics.comparisons import Comparisons, Null, compare
from research.statistics.factorial import Switches
from research.statistics.floats import Floats
from research.statistics.intervals import ALPHA, Interval
from research.statistics.margins import judge
from research.sweeps.declare.designs import SHAPLEY, Design
from research.words import plural

INTERACTION = "interaction"
MORE = "more together"
LESS = "less together"
NO_INTERACTION = "no interaction shown"
TIMES = " × "


def effects_table(
    arms: ArmsTable,
    design: Design,
    factors: Sequence[str],
    notes: Sequence[str] = (),
) -> EffectsTable:
    """The effects of a design, from the table of its arms.

    Each seed gives one value of each effect, so that their spread over seeds is the error: a mixed
    model in which every effect varies by seed. Effects of one kind are tested together.

    Args:
        arms: the table of the combinations; its rows are those of the design, in their order.
        design: the combinations and what they estimate.
        factors: the names of the factors.
        notes: sentences for the footer.
    """
    cells = [_cells(arms, index, design) for index in range(len(arms.columns))]
    rows = tuple(
        EffectRow(
            _name(effect.factors, factors),
            effect,
            tuple(_alias(sign, term, factors) for sign, term in effect.aliases),
            tuple(of_column[index] for of_column in cells),
        )
        for index, effect in enumerate(design.effects)
    )
    return EffectsTable(
        arms.title,
        arms.columns,
        rows,
        arms,
        _caption(arms, rows),
        (*_footer(arms, design, rows), *notes),
    )


def _cells(arms: ArmsTable, index: int, design: Design) -> list[Cell]:
    """The cells of one column, an effect each."""
    column = arms.columns[index]
    null = arms.nulls[index]
    values = _values(arms, index)
    per_seed = _effects(values, design.contrasts)
    rounding = rounding_of(row.arm for row in arms.rows)
    # What rounding of the metrics alone can make of a sum of effects.
    sizes = np.nan_to_num(np.abs(values)).max(initial=0.0) * np.abs(design.contrasts).sum(-1)
    slack = 4 * len(values) * rounding * sizes.max(0)
    cells: list[Cell | None] = [None] * len(design.effects)
    for kind in dict.fromkeys(effect.kind for effect in design.effects):
        family = [i for i, effect in enumerate(design.effects) if effect.kind == kind]
        of_arms = null.comparing(functools.partial(_contrasts_of, design, family))
        compared = compare(per_seed[:, family], of_arms, slack[family])
        for place, i in enumerate(family):
            cells[i] = _cell(per_seed[:, i], compared, place, kind, column, null, arms.pair)
    tested = [cell for cell in cells if cell is not None]
    return [
        _untested(cell, word) if (word := _failure(arms, index, used) or null.untested) else cell
        for cell, used in zip(tested, (design.contrasts != 0).any(0), strict=True)
    ]


def _failure(arms: ArmsTable, index: int, used: Switches) -> str:
    """The first outcome without a value among the arms [A] that an effect uses; "" where none is
    so: which runs fail may depend on the arm."""
    cells = [row.cells[index] for row, needed in zip(arms.rows, used, strict=True) if needed]
    return next((word for cell in cells if (word := first_failure(cell))), "")


def _untested(cell: Cell, word: str) -> Cell:
    return dataclasses.replace(cell, p=None, p_adjusted=None, verdict=f"no test: {word}")


def _values(arms: ArmsTable, index: int) -> Floats:
    """[n, A]: the value of each seed in each arm; NaN where there is none."""
    by_arm = [
        [math.nan if value is None else value for value in row.cells[index].values]
        for row in arms.rows
    ]
    return np.array(by_arm, np.float64).T


def _contrasts_of(design: Design, family: Sequence[int]) -> Floats:
    """The contrasts [m, arms] of some of the effects."""
    contrasts: Floats = design.contrasts.mean(0)[family]
    return contrasts


def _effects(values: Floats, contrasts: Floats) -> Floats:
    """[n, E]: the effects of each seed; NaN where an arm that the effect needs has no value."""
    used = contrasts != 0
    missing = np.isnan(values)[:, None, :] & used
    # NaN times a contrast of 0 is NaN, so arms that an effect does not use are zeroed first.
    effects = (np.nan_to_num(values)[:, None, :] * contrasts).sum(-1)
    return np.where(missing.any(-1), np.nan, effects)


def _cell(
    values: Floats,
    compared: Comparisons,
    place: int,
    kind: str,
    column: Column,
    null: Null,
    pair: str,
) -> Cell:
    n = int(np.isfinite(values).sum())
    known = tuple(None if math.isnan(value) else float(value) for value in values)
    if not n:
        return Cell(known, (), None, verdict=f"no {pair} has all of its runs")
    half_width = float(compared.half_width[place])
    effect = Interval(
        float(compared.mean[place]), None if math.isnan(half_width) else half_width, n
    )
    adjusted = float(compared.adjusted[place])
    verdict = _verdict(effect, adjusted, kind, column, null)
    return Cell(known, (), None, effect, float(compared.p[place]), adjusted, verdict)


def _verdict(effect: Interval, adjusted: float, kind: str, column: Column, null: Null) -> str:
    higher = column.better == "higher"
    if not null.can_conclude(effect.n):
        return f"cannot conclude at n={effect.n}"
    gain = (effect.mean > 0) == higher
    if kind == INTERACTION:
        if adjusted > ALPHA:
            return NO_INTERACTION
        return MORE if gain else LESS
    if column.margin is not None and effect.half_width is not None:
        return judge(effect.mean, effect.half_width, column.margin, higher)
    if adjusted > ALPHA:
        return UNDECIDED
    return BETTER if gain else WORSE


def _name(term: Sequence[int], factors: Sequence[str]) -> str:
    return TIMES.join(factors[index] for index in term)


def _alias(sign: int, term: Sequence[int], factors: Sequence[str]) -> str:
    return ("−" if sign < 0 else "") + _name(term, factors)


def _caption(arms: ArmsTable, rows: Sequence[EffectRow]) -> str:
    definitions: Mapping[str, str] = {
        "alone": "alone: the factor switched on, against nothing",
        "beside the others": "beside the others: all factors, against all but this one",
        "beside those before": "beside those before: the factor added to those above it",
        "main effect": (
            "main effect: the mean change when the factor is switched on, over the settings of the"
            " others"
        ),
        INTERACTION: (
            "interaction: how much more one factor changes when the other is on than when it is off"
        ),
        SHAPLEY: (
            "Shapley value: the mean change over all orders of adding the factors; the values add"
            " up to everything against nothing"
        ),
    }
    kinds = dict.fromkeys(row.effect.kind for row in rows)
    percent = [column.label for column in arms.columns if column.in_percent]
    defined = "; ".join(definitions[kind] for kind in kinds)
    unit = f" In percentage points: {', '.join(percent)}." if percent else ""
    over = plural(len(arms.seeds), arms.pair) + (" of one seed" if arms.pair == FOLD else "")
    return (
        f"{arms.title.rstrip('.')}: effects of the factors, mean ± simultaneous 95 % interval over"
        f" {over}. {defined[:1].upper() + defined[1:]}."
        f"{unit} {weighing(arms.rows)}"
    ).rstrip()


def _footer(arms: ArmsTable, design: Design, rows: Sequence[EffectRow]) -> tuple[str, ...]:
    confounded = [f"{row.label} = {' = '.join(row.aliases)}" for row in rows if row.aliases]
    kinds = {row.effect.kind for row in rows}
    runs = sum(1 for _ in arms.records())
    words = {"new": "new rows from the same source", "rows": "these rows of data only"}
    by_claim: dict[str, list[str]] = {}
    for column, null in zip(arms.columns, arms.nulls, strict=True):
        if not null.untested:
            by_claim.setdefault(null.claim, []).append(column.label)
    about = " and ".join(
        words[claim] + (f" ({', '.join(labels)})" if len(labels) < len(arms.columns) else "")
        for claim, labels in by_claim.items()
    )
    sentences = [
        f"{len(design.on)} combinations of {design.on.shape[1]} factors, {plural(runs, 'run')}"
        " (--rows=arms shows each combination).",
        f"Intervals and verdicts are about {about}." if about else "",
        f"p: each {arms.pair} gives one value of each effect. It is corrected for all effects of"
        " one kind by the step-down maximum of |t|.",
        "An interval excludes 0 exactly where p ≤ 0.05.",
        (
            f"Confounded, so that each line is their sum: {'; '.join(confounded)}."
            if confounded
            else ""
        ),
        (
            "Interactions of three or more factors are taken to be zero, since not all combinations"
            " were trained."
            if INTERACTION in kinds and len(design.on) < 2 ** design.on.shape[1]
            else ""
        ),
        *left_out(arms),
        provenance_text.sentence(arms.records()),
    ]
    return tuple(sentence for sentence in sentences if sentence)
