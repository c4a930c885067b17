"""The table of a tuning's choice: the best settings on seeds that did not choose them."""

from research.analysis.arms_table import ArmsTable
from research.analysis.axes import Grouping, sweep_table
from research.analysis.main_columns import columns_of
from research.analysis.table_builder import Remarks
from research.errors import UserError
from research.sweeps.declare import strengths
from research.sweeps.tuning import report_text, tuner
from research.sweeps.tuning.tuner import Budget, SearchContext, Tuned


def of_choice(
    name: str, tuned: Tuned, budget: Budget, seeds: int, shop: SearchContext
) -> ArmsTable:
    """The chosen settings on fresh seeds, which are trained first where they are missing.

    Args:
        name: the tuning's name.
        tuned: its choice.
        budget: what the search cost.
        seeds: how many fresh seeds.
        shop: the planner, and what trains runs.

    Raises:
        UserError: no record of the choice can be used here.
    """
    requests = tuner.report(tuned, seeds, shop.planner)
    runs = shop.planner.runs(shop.planner.each_fold(requests))
    by_id = shop.obtain(runs)
    records = [by_id[run.id] for run in runs if run.id in by_id]
    if not records:
        raise UserError("no record of the choice can be used here; give another --records")
    known = strengths.settings(records, tuple(tuned.point))[0]
    keys = [path if path in known else path.partition(".")[0] for path in tuned.point]
    folds = len(runs) // len(requests)
    described = report_text.described([tuned], budget, seeds, folds)
    notes = [*utilisation({name: tuned}), *shop.planner.notes(runs)]
    return sweep_table(
        name,
        records,
        columns_of(records),
        Grouping(list(dict.fromkeys(keys)), asked=dict.fromkeys(by_id, folds)),
        remarks=Remarks(notes, described),
    )


def utilisation(by_arm: dict[str, Tuned]) -> list[str]:
    """How full the lanes were where trials were ended early, in a sentence; [] where none were."""
    shares = {label: tuned.share for label, tuned in by_arm.items() if tuned.share is not None}
    if not shares:
        return []
    texts = [
        f"{share:.0%}" if len(shares) == 1 else f"{label} {share:.0%}"
        for label, share in shares.items()
    ]
    return [f"Lane utilisation: {', '.join(texts)}."]
