"""TuneResult: the trials of a tuning, the best settings, its run, and the choice on fresh seeds."""

import dataclasses

from research.analysis.choice_table import of_choice
from research.api.named_columns import Columns
from research.api.run_result import RunResult
from research.api.table_result import TableResult
from research.api.workspace import Workspace
from research.sweeps.records.verification import lookup
from research.sweeps.tuning import journal, space
from research.sweeps.tuning.tuner import Budget, SearchContext, Tuned


@dataclasses.dataclass(frozen=True, repr=False)
class TuneResult:
    """A finished tuning. `tuned` holds its Optuna study."""

    name: str
    tuned: Tuned
    budget: Budget
    context: SearchContext
    workspace: Workspace

    @property
    def best(self) -> dict[str, str]:
        """The chosen settings, by the names of their flags."""
        return dict(self.tuned.point)

    @property
    def metric(self) -> str:
        """The metric that was optimized, such as `validation/accuracy`."""
        return self.tuned.goal.metric

    @property
    def value(self) -> float:
        """The best value of that metric. As the best of many it is optimistic; see `report`."""
        assert self.tuned.best.value is not None
        return self.tuned.best.value

    @property
    def run(self) -> RunResult:
        """The run of the best trial."""
        return RunResult(
            lookup(self.context.store, self.tuned.best.user_attrs["run"]), self.workspace
        )

    @property
    def trials(self) -> Columns:
        """The settings, value, outcome and run of each trial, a row per trial.

        A setting is None where its condition did not hold.
        """
        # Without the copy: Optuna would deep-copy every trial, and nothing here changes one.
        every = self.tuned.study.get_trials(deepcopy=False)
        points = [space.texts(trial) for trial in every]
        settings = {
            axis.path: [point.get(axis.path) for point in points] for axis in self.tuned.axes
        }
        outcomes = [journal.outcome(trial) for trial in every]
        runs = [trial.user_attrs.get("run") for trial in every]
        values = [trial.value for trial in every]
        return Columns(
            {**settings, self.metric: values, "outcome": outcomes, "run": runs}, index="trial"
        )

    def report(self, seeds: int = 10) -> TableResult:
        """The table of the chosen settings on fresh seeds; trains the runs without a record."""
        # The seeds of the search chose the settings, so their values would flatter the choice.
        return TableResult(of_choice(self.name, self.tuned, self.budget, seeds, self.context))

    def __repr__(self) -> str:
        best = ", ".join(f"{path}={value}" for path, value in self.best.items())
        return f"Tuning({self.trials.rows} trials; best {self.metric} {self.value:.4f} at {best})"
