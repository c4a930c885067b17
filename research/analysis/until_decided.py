"""Seeds until decided: a table that trains more seeds of the rows that have no verdict yet."""

import dataclasses
import re
import time
from collections.abc import Callable, Mapping

import numpy as np

from research.analysis import claim_text
from research.analysis.arms_table import BETTER, WORSE, ArmsTable, Cell, Row
from research.analysis.cheaper import cheaper
from research.analysis.comparing import contrasts, differences_to, first_failure, rounding_of
from research.analysis.table_report import TableReport
from research.duration import Period
from research.errors import UserError
from research.statistics import sequential
from research.statistics.comparisons import Comparisons
from research.statistics.margins import judge
from research.sweeps.column import Column
from research.sweeps.experiment import Experiment
from research.words import plural

# More seeds than this are never asked for.
MOST_SEEDS = 500
# The table of an experiment, after training what is missing.
Train = Callable[[Experiment], TableReport]


@dataclasses.dataclass(frozen=True)
class SeedBudget:
    """What may be spent. runs: of all rows together; seconds: after which no look begins."""

    runs: int | None = None
    seconds: float | None = None

    @classmethod
    def parse(cls, text: str) -> "SeedBudget":
        """`200runs`, `30min` or `2h`. Raises UserError on anything else."""
        count = re.fullmatch(r"([1-9]\d*) ?runs", text.strip())
        if count is not None:
            return cls(runs=int(count[1]))
        try:
            period = Period.parse(text)
        except UserError:
            period = Period()
        if not period.seconds:
            raise UserError(f"--budget={text}: write 200runs, 30min or 2h")
        return cls(seconds=period.seconds)


@dataclasses.dataclass(frozen=True)
class Decision:
    """When and how a row was decided."""

    verdict: str
    look: int
    seeds: int
    p: float | None


def until_decided(
    experiment: Experiment, budget: SeedBudget, train: Train, folds: int = 1
) -> TableReport:
    """The table of an experiment whose rows get seeds until they are decided on the first column.

    Args:
        experiment: what is asked; its number of seeds does not matter.
        budget: what may be spent.
        train: the table of an experiment, after training what is missing.
        folds: the runs of one seed of a row.

    Raises:
        UserError: the experiment has no baseline, chooses a setting or declares factors, or the
            budget is too small for the first look.
    """
    _check(experiment)
    started = time.monotonic()
    seeds = 0
    look = 0
    decisions: dict[str, Decision] = {}
    report: TableReport | None = None
    for look, more in enumerate(sequential.looks(MOST_SEEDS), start=1):
        open_arms = [label for label in experiment.arms if label not in decisions]
        spent = _runs(experiment, decisions, seeds)
        if not _affordable(budget, folds * (spent + len(open_arms) * (more - seeds)), started):
            look -= 1
            break
        seeds = more
        report = train(_at(experiment, decisions, seeds))
        decisions |= _decisions(report.table, experiment, look, decisions)
        if len(decisions) == len(experiment.arms) - 1:
            break
    if report is None:
        first = sequential.FIRST_LOOK * len(experiment.arms) * folds
        raise UserError(f"--budget: the first look takes {first} runs; give --budget={first}runs")
    return dataclasses.replace(report, table=_with_decisions(report.table, decisions, look, seeds))


def _check(experiment: Experiment) -> None:
    if experiment.datasets:
        raise UserError("--until=decided adds seeds on one data set; leave datasets out")
    if experiment.baseline is None:
        raise UserError(f"--until=decided: '{experiment.name}' has no baseline to compare with")
    if experiment.test is not None or experiment.family != "column":
        what = f"test={experiment.test}" if experiment.test else f"family={experiment.family}"
        raise UserError(
            f"--until=decided: '{experiment.name}' declares {what}, which looks do not correct for"
        )
    if experiment.choose is not None or experiment.factors:
        what = "chooses a setting" if experiment.choose else "declares factors"
        raise UserError(
            f"--until=decided: '{experiment.name}' {what}, and seeds are added to plain arms only"
        )


def _affordable(budget: SeedBudget, runs: int, started: float) -> bool:
    if budget.runs is not None and runs > budget.runs:
        return False
    return budget.seconds is None or time.monotonic() - started < budget.seconds


def _runs(experiment: Experiment, decisions: Mapping[str, Decision], seeds: int) -> int:
    """The runs that all rows have after so many seeds."""
    ended = sum(decision.seeds for decision in decisions.values())
    return ended + (len(experiment.arms) - len(decisions)) * seeds


def _at(experiment: Experiment, decisions: Mapping[str, Decision], seeds: int) -> Experiment:
    """The experiment with this number of seeds, and fewer for the rows that were decided."""
    fewer = {label: decision.seeds for label, decision in decisions.items()}
    return dataclasses.replace(experiment, seeds=seeds, arm_seeds=fewer, until="decided")


def _decisions(
    table: ArmsTable, experiment: Experiment, look: int, earlier: Mapping[str, Decision]
) -> dict[str, Decision]:
    """The rows that this look decides."""
    column = table.columns[0]
    n = len(table.seeds)
    base = table.row(table.baseline or "").cells[0]
    rows = [row for row in table.rows if row.label not in (*earlier, table.baseline)]
    # A row with failures has no test; more seeds would not give it one.
    failed = {
        row.label: Decision(f"no test: {word}", look, n, None)
        for row in rows
        if (word := first_failure(row.cells[0]))
    }
    tested = [row for row in rows if row.label not in failed]
    if not tested or first_failure(base):
        return failed
    cells = [row.cells[0] for row in tested]
    labels = [row.label for row in tested]
    known = [row.label for row in table.rows]
    null = table.nulls[0].comparing(lambda: contrasts(known, labels, table.baseline))
    rounding = rounding_of(row.arm for row in table.rows)
    differences, slack = differences_to(base, cells, rounding)
    compared = sequential.compared(differences, null, look, slack)
    verdicts = [_verdict(compared, row, column, look) for row in range(len(tested))]
    return failed | {
        row.label: Decision(verdict, look, n, float(compared.adjusted[i]))
        for i, (row, verdict) in enumerate(zip(tested, verdicts, strict=True))
        if verdict
    }


def _verdict(compared: Comparisons, row: int, column: Column, look: int) -> str:
    """What a look says of a row within the error that it may spend; "" where it is undecided.

    A row that is not inferior gets more seeds, which may show whether it is better or equivalent.
    """
    mean, half_width = float(compared.mean[row]), float(compared.half_width[row])
    higher = column.better == "higher"
    if column.margin is not None and np.isfinite(half_width):
        verdict = judge(mean, half_width, column.margin, higher)
        return verdict if verdict in (BETTER, WORSE, "equivalent") else ""
    if not compared.adjusted[row] <= sequential.level(look):
        return ""
    return BETTER if (mean > 0) == higher else WORSE


def _with_decisions(
    table: ArmsTable, decisions: Mapping[str, Decision], looks: int, seeds: int
) -> ArmsTable:
    """The table with the verdicts of the looks in place of those of a fixed number of seeds."""
    rows = tuple(_row(row, decisions.get(row.label), looks, table.baseline) for row in table.rows)
    column = table.columns[0].label
    others = ", ".join(column.label for column in table.columns[1:])
    test = claim_text.NAMES[type(table.nulls[0])]
    sentences = [
        f"Seeds were added until each row was decided on {column}, or the budget was spent: after"
        f" {plural(looks, 'look')} at most, at up to {plural(seeds, 'seed')}. Look k may spend"
        " 0.05 / (k (k + 1)) of the error, so that all looks together keep 5 %. p is that of the"
        f" look that decided, by two-sided {test} paired by {table.pair}, corrected for the rows"
        " that were open at that look; intervals are those of a number of seeds that is fixed"
        " before.",
        f"{others} was not tested." if others else "",
    ]
    decided = dataclasses.replace(table, rows=rows)
    # What the table says of its tests holds for a number of seeds that was fixed before.
    fixed = cheaper(table)
    rest = [
        sentence
        for sentence in table.footer
        if sentence != fixed and not sentence.startswith(_FIXED)
    ]
    sentences.append(cheaper(decided))
    footer = (*(sentence for sentence in sentences if sentence), *rest)
    return dataclasses.replace(decided, footer=footer)


_FIXED = ("p: ", "An interval of Δ", "The smallest difference", "Bold: ")


def _row(row: Row, decision: Decision | None, looks: int, baseline: str | None) -> Row:
    first, *others = (dataclasses.replace(cell, bold=False) for cell in row.cells)
    if row.label != baseline:
        first = _cell(first, decision, looks)
        others = [dataclasses.replace(cell, p=None, p_adjusted=None, verdict="") for cell in others]
    return dataclasses.replace(row, cells=(first, *others))


def _cell(cell: Cell, decision: Decision | None, looks: int) -> Cell:
    if decision is None:
        verdict = f"undecided after {plural(looks, 'look')}"
        return dataclasses.replace(cell, p=None, p_adjusted=None, verdict=verdict)
    verdict = f"{decision.verdict} (look {decision.look}, n = {decision.seeds})"
    return dataclasses.replace(cell, p=decision.p, p_adjusted=decision.p, verdict=verdict)
