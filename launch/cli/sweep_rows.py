"""The runs of a sweep or an experiment with their rows, for programs that show progress."""

from typing import TYPE_CHECKING, Any

from research.sweeps.coordinate.sweep_status import SweepMember
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.records.store import Store
from research.words import plural

# Looking at a named sweep plans nothing, so it must not pay for importing JAX.
if TYPE_CHECKING:
    from research.sweeps.experiment import Experiment
    from research.sweeps.plan.run_plan import RequestedRun
    from research.sweeps.plan.run_planner import Planner


def of_sweep(sweep: SweepSpec) -> list[SweepMember]:
    """The runs of a saved sweep, from what its file says."""
    return [
        SweepMember(run_id, sweep.arm(request), epochs)
        for run_id, request, epochs in zip(sweep.runs, sweep.requests, sweep.epochs, strict=False)
    ]


def by_row(
    experiment: "Experiment", planner: "Planner", store: Store
) -> "dict[str, list[RequestedRun]]":
    """The runs of a declared table by row, as far as they are known.

    A row that chooses a setting has the runs to choose from, and once these are done those of the
    choice.

    Args:
        experiment: the declared table.
        planner: plans its runs.
        store: the records, by which settings are chosen.
    """
    from research.sweeps.declare import selection

    chosen: dict[str, Any] = {}
    known: dict[str, list[RequestedRun]] = {}
    if experiment.choose is not None:
        asked = selection.searched(experiment, planner)
        known = {
            f"{label} (choosing)": [run for runs in of_arm for run in runs]
            for label, of_arm in asked.items()
        } | {
            f"{label} (flat)": [run for runs in of_arm for run in runs]
            for label, of_arm in selection.flat(experiment, planner).items()
        }
        recorded, _ = store.find(run.id for runs in known.values() for run in runs)
        if any(run.id not in recorded for runs in known.values() for run in runs):
            return known
        chosen = selection.chosen(experiment.choose, asked, recorded)
    requests = selection.requests(experiment, chosen)
    return known | planner.plan_rows(requests)


def known_runs(
    experiment: "Experiment", plans: "Planner", records: Store
) -> "tuple[list[tuple[str, RequestedRun]], str]":
    """The runs of an experiment that are known by now, each with its row; a line about the others.

    Args:
        experiment: the declared table.
        plans: plans its runs.
        records: the store.
    """
    known = by_row(experiment, plans, records)
    fresh = len(experiment.arms) * experiment.seeds
    note = ""
    if experiment.choose is not None and not set(experiment.arms) & set(known):
        note = (
            f"these choose {experiment.choose.path}; {plural(fresh, 'run')} follow, on"
            f" {plural(experiment.seeds, 'fresh seed')} a row"
        )
    return [(label, run) for label, runs in known.items() for run in runs], note
