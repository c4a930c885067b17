"""The runs of a sweep or an experiment with the rows that they belong to, for those who look how far it is."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from research.sweeps.status import Member
from research.sweeps.store import Store
from research.sweeps.sweep import Sweep

if TYPE_CHECKING:  # a look at a sweep that has a name plans nothing, and pays for no import of JAX
    from research.sweeps.plan import Planner, Run


def of_sweep(sweep: Sweep) -> list[Member]:
    """The runs of a saved sweep, from what its file says."""
    return [
        Member(run_id, sweep.arm(request), epochs)
        for run_id, request, epochs in zip(sweep.runs, sweep.requests, sweep.epochs, strict=False)
    ]


def of_experiment(name: str, planner: "Planner", store: Store) -> list[Member]:
    """The runs of a declared table. One that chooses a setting has those to choose from, then those of the chosen."""
    from launch import declared
    from research.sweeps import choice

    experiment, chosen, searched = declared.get(name, store.warn), {}, []
    if experiment.choose is not None:
        asked = {
            label: [planner.runs(requests) for requests in of_arm]
            for label, of_arm in choice.candidates(experiment).items()
        }
        flat = {label: [run for runs in of_arm for run in runs] for label, of_arm in asked.items()}
        searched = _members({f"{label} (choosing)": runs for label, runs in flat.items()})
        found, _ = store.find(member.run_id for member in searched)
        if len(found) < len({member.run_id for member in searched}):
            return searched
        for label, of_arm in asked.items():
            chosen[label] = choice.best(experiment.choose, [[found[run.id] for run in runs] for runs in of_arm])
    requests = choice.requests(experiment, experiment.seeds, chosen)
    return searched + _members({label: planner.runs(of_arm) for label, of_arm in requests.items()})


def _members(runs: Mapping[str, "Sequence[Run]"]) -> list[Member]:
    return [Member(run.id, label, run.config.epochs) for label, of_label in runs.items() for run in of_label]
