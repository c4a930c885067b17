"""RunResult: a finished run with its metrics, its curves, its parameters and its predictions."""

import dataclasses
import functools
from typing import Any

import numpy as np

from research.api.named_columns import Columns
from research.api.raw_inputs import raw_inputs
from research.api.workspace import Workspace
from research.errors import UserError
from research.models.layers.forward import Forward
from research.sweeps.ensembles.new_rows import members_of, scores_of_new_rows
from research.sweeps.plan import run_plan
from research.sweeps.plan.basis import applied
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.provenance import recorded_strategy
from research.sweeps.records.record import Record
from research.sweeps.records.saved_parameters import Parameters, Saved, evaluated
from research.sweeps.records.verification import lookup, run_of
from research.tasks.calibration import calibrated
from research.tasks.classification import log_softmax
from research.training.apply.final_metrics import evaluate_rows, run_lane
from research.training.apply.host_scores import host_inputs, kept_predictor
from research.training.boosting.requirements import refuse_part
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine.predicted_rows import PredictedRows
from research.training.step import network
from research.training.step.state import Lane, Variables


@dataclasses.dataclass(frozen=True)
class RunResult:
    """A finished run. `record` holds its results; see research.sweeps.records.record."""

    record: Record
    workspace: Workspace = dataclasses.field(repr=False)

    @property
    def id(self) -> str:
        """The run's id: a digest of its settings, its data and the versions of its entries."""
        return self.record.run_id

    @property
    def diverged(self) -> bool:
        """Whether the loss or an update became non-finite; such a run has no final metrics."""
        return self.record.status == "diverged"

    @property
    def config(self) -> dict[str, str]:
        """Every setting by its flag's name."""
        return dict(self.record.config)

    @property
    def metrics(self) -> dict[str, float]:
        """The final metrics by split: `test/accuracy`."""
        return dict(self.record.metrics)

    @property
    def curves(self) -> Columns:
        """The values per epoch, by name: `train/loss`."""
        return Columns(self.record.curves, index="epoch")

    @property
    def params(self) -> Any:
        """The pytree of the parameters that the final metrics were computed with.

        Raises:
            UserError: if the run was trained without `keep_params`, or fitted on the host.
        """
        if self._run.program.fitted:
            raise UserError(
                f"arch={self.config['arch']} has no parameters; run.model is its fitted estimator"
            )
        # Weight normalization trains a kernel as direction and scale; the module takes the product.
        return network.joined_kernels(self._run.program, self._lane, self._variables.params)

    @property
    def batch_stats(self) -> Any:
        """The pytree of running statistics; empty without batch normalization."""
        return self._variables.batch_stats

    @property
    def model(self) -> Any:
        """The flax module, or the fitted estimator; `predict` does more, and takes raw inputs.

        `run.model.apply({"params": run.params, "batch_stats": run.batch_stats}, run.scaled(x),
        run.forward)` gives the outputs [B, K] in evaluation.
        """
        if self._run.program.fitted:
            predict = kept_predictor(self._variables)
            return getattr(predict, "model", predict)
        return self._run.program.model

    @property
    def forward(self) -> Forward:
        """The module's second argument: it says that this is evaluation, and how to normalize."""
        return network.forward(self._run.program, self._lane, None)

    def scaled(self, x: Any) -> Any:
        """Raw inputs x, as `predict` takes them, as the module takes them, [B, ...]: missing values
        are filled, and the values are scaled as the training rows were. Of several inputs, each by
        its name."""
        program = self._run.program
        inputs = raw_inputs(x, program.spec, dict(self._run.config.dataset.options))
        return host_inputs(
            program, self._lane, program.spec.inputs.view(inputs), np.arange(len(inputs))
        )

    @property
    def predictions(self) -> dict[str, PredictedRows]:
        """The kept scores of validation and test rows, with row numbers and targets, by part.

        Raises:
            UserError: if the run was trained without `keep_predictions`, or if they are damaged.
        """
        return Predictions(self.workspace.store).load(self.id)

    def predict(self, x: Any) -> np.ndarray:
        """The network's predictions for raw inputs; of an ensemble, those of its members together.
        Does not need the training data.

        Args:
            x: an array [N, ...] with columns or pixels as in the data set. For a table also the
                path of a csv file, a pandas.DataFrame, or a dict of columns [N]; their columns are
                matched by name.

        Returns:
            For classification the probability of each class, [N, K]; for regression the values
            [N], in the units of the data.

        Raises:
            UserError: if the run kept no parameters, if x does not match its data, or if its task
                has several targets per example, or none.
        """
        spec = self._first._run.program.spec
        scores = self._scores(x)
        if spec.targets.of_classes:
            return np.exp(log_softmax(scores))
        scores = spec.targets.restored(scores)
        return scores[:, 0] if scores.shape[1:] == (1,) else scores

    @functools.cached_property
    def _members(self) -> list["RunResult"]:
        """The members of an ensemble; none of a run."""
        ids = members_of(self.record)
        return [RunResult(lookup(self.workspace.store, run_id), self.workspace) for run_id in ids]

    @property
    def _first(self) -> "RunResult":
        """The run, or the first member of an ensemble."""
        return self._members[0] if self._members else self

    def _scores(self, x: Any) -> np.ndarray:
        """The scores of raw inputs, [N, C]."""
        if self._members:
            scores = [member._part(x) for member in self._members]
            classes = bool(self._first._run.program.spec.targets.of_classes)
            predictions = Predictions(self.workspace.store)
            return scores_of_new_rows(self.record, scores, predictions, classes)
        refuse_part(self.id, self._run.config)
        return self._part(x)

    def _part(self, x: Any) -> np.ndarray:
        """The scores of raw inputs by the run's own network, [N, C]."""
        program = self._run.program
        if program.problem.summary is None:
            number = "none" if program.spec.inputs.collected else "several"
            raise UserError(
                f"predict requires one target per example; task={self.config['task']} has {number}"
            )
        inputs = raw_inputs(x, program.spec, dict(self._run.config.dataset.options))
        rows = np.arange(len(inputs), dtype=np.int32)
        # Another strategy sums in another order: the recorded one repeats the record's metrics to
        # the last bit.
        strategy = recorded_strategy(self.record.provenance) or ExecutionStrategy(1, 1)
        evaluated_rows = evaluate_rows(program, self._lane, self._variables, strategy, inputs, rows)
        scores: np.ndarray = calibrated(self.record.calibration, evaluated_rows)["scores"]
        return scores

    @functools.cached_property
    def _saved(self) -> Saved:
        return Parameters(self.workspace.store).load(self.id)

    @functools.cached_property
    def _applied(self) -> tuple[run_plan.PlannedRun, Lane]:
        """The run and its lane without rows."""
        self.workspace.prepare()
        if self._saved.basis is not None:
            return applied(self.record, self._saved.basis, self.workspace.monitor.warn)
        # Older versions saved no scaling, so it is fitted again to the run's training rows.
        run = run_of(self.record, self.workspace.planner)
        return run, run_lane(run.program, run.config, self.workspace.planner.arrays(run))

    @property
    def _run(self) -> run_plan.PlannedRun:
        return self._applied[0]

    @property
    def _lane(self) -> Lane:
        return self._applied[1]

    @property
    def _variables(self) -> Variables:
        return self._saved.variables[evaluated(self._run.config)]

    def __repr__(self) -> str:
        shown = "  ".join(
            f"{name} {value:.4f}"
            for name, value in self.metrics.items()
            if name.startswith("test/")
        )
        state = f"diverged at step {self.record.diverged_at}" if self.diverged else shown
        return (
            f"Run({self.id}: {self.config['arch']} on {self.config['dataset']}, seed"
            f" {self.config['seed']}; {state})"
        )
