"""KeptRun: a run with the parameters that it kept and the rows of its split, to be asked for
predictions."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.baselines.estimator import Predict
from research.data.features.feature import Feature
from research.data.features.named_arrays import by_array, take
from research.data.features.reduced import Reduced
from research.data.features.target import TargetFeature
from research.data.spec import Arrays, DataSpec
from research.errors import UserError
from research.sweeps.ensembles.new_rows import members_of, scores_of_new_rows
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.sweeps.records.saved_parameters import Parameters, evaluated
from research.sweeps.records.verification import lookup, run_of
from research.tasks.calibration import calibrated
from research.tasks.classification import log_softmax
from research.training.apply.final_metrics import run_lane
from research.training.apply.host_scores import host_inputs, host_scores, kept_predictor
from research.training.boosting.requirements import refuse_part
from research.training.setup.program import Program
from research.training.step.objective import evaluate_examples
from research.training.step.state import Lane, Variables

# Examples that a network predicts at once, and numbers of their inputs. Calls of one size share one
# compiled program.
MOST_AT_ONCE = 4096
NUMBERS_AT_ONCE = 1 << 22


@dataclasses.dataclass(frozen=True)
class KeptRun:
    """A run that can predict.

    lane: with its rows. arrays: the run's own data, as its features read them. members: those of an
        ensemble, with this one as the first; predicted: what they kept.
    """

    record: Record
    run: PlannedRun
    lane: Lane
    variables: Variables
    arrays: Arrays
    members: tuple["KeptRun", ...] = ()
    predicted: Predictions | None = None

    @property
    def on_host(self) -> bool:
        """Whether its scores are made on the host: by an estimator, a calibration or an
        ensemble."""
        return self.program.fitted or bool(self.record.calibration) or bool(self.members)

    @property
    def program(self) -> Program:
        """What its lanes have in common."""
        return self.run.program

    @property
    def spec(self) -> DataSpec:
        """The facts of its data."""
        return self.run.program.spec

    @property
    def raw(self) -> Feature:
        """What its raw inputs are, before they are reduced."""
        inputs = self.spec.inputs
        return inputs.of if isinstance(inputs, Reduced) else inputs

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self.run.config.seed

    def rows(self, part: str) -> np.ndarray:
        """The rows of train, validation or test, int [R]. Raises UserError if there are none."""
        rows = np.asarray(getattr(self.lane, part))
        rows = rows[rows >= 0]  # the rows of a smaller fold are padded
        if not len(rows):
            raise UserError(
                f"run {self.run.id} has no {part} rows: its split is {self.run.config.split}"
            )
        return rows

    def inputs(self, rows: np.ndarray) -> Any:
        """The raw inputs of rows [R], an array [R, ...] or a dict of arrays."""
        return by_array(take(self.arrays.x, rows), np.asarray)

    def targets(self, rows: np.ndarray) -> np.ndarray:
        """The targets of rows, [R]."""
        return np.asarray(take(self.arrays.y, rows))

    def scores(self, x: Any) -> np.ndarray:
        """Logits, or values as the data stores them, of raw inputs [M, ...]: [M, K]."""
        if self.members:
            assert self.predicted is not None
            of_members = [member.scores(x) for member in self.members]
            classes = bool(self.spec.targets.of_classes)
            return scores_of_new_rows(self.record, of_members, self.predicted, classes)
        return np.asarray(
            calibrated(self.record.calibration, {"scores": self._scores(x)})["scores"]
        )

    def predictions(self, x: Any) -> np.ndarray:
        """Probabilities of the classes, or values in the data's units, of raw inputs [M, ...]:
        float64 [M, K]."""
        scores = self.scores(x).astype(np.float64)
        if self.spec.targets.of_classes:
            return np.exp(log_softmax(scores))
        return self.spec.targets.restored(scores)

    @functools.cached_property
    def predictor(self) -> Predict:
        """The fitted estimator of a run that was fitted on the host."""
        return kept_predictor(self.variables)

    def _scores(self, x: Any) -> np.ndarray:
        count = len(jax.tree.leaves(x)[0])
        if self.program.fitted:
            with self.program.precision_context():
                inputs = host_inputs(self.program, self.lane, x, np.arange(count))
                return host_scores(self.program, self.predictor, inputs, count)
        lane = without_rows(self.lane)
        numbers = sum(leaf.size for leaf in jax.tree.leaves(x)) // count
        size = min(MOST_AT_ONCE, 1 << (count - 1).bit_length(), max(NUMBERS_AT_ONCE // numbers, 1))
        parts = []
        with self.program.precision_context():
            for begin in range(0, count, size):
                # The last part repeats its last row.
                rows = np.minimum(np.arange(begin, begin + size), count - 1)
                part = by_array(take(x, rows), jnp.asarray)
                parts.append(np.asarray(_scores_of(self.program, self.variables, lane, part)))
        return np.concatenate(parts)[:count]


@functools.partial(jax.jit, static_argnums=0)
def _scores_of(program: Program, variables: Variables, lane: Lane, x: Any) -> jax.Array:
    return evaluate_examples(program, variables, lane, x, None)["scores"]


def without_rows(lane: Lane) -> Lane:
    """The lane without its rows, whose number would shape a compiled program."""
    nothing = np.zeros(0, np.int32)
    return dataclasses.replace(lane, train=nothing, validation=nothing, test=nothing)


def kept_run(record: Record, planner: Planner, parameters: Parameters) -> KeptRun:
    """A run with the parameters that its record's metrics are of.

    Args:
        record: its record.
        planner: opens its data.
        parameters: what runs kept.

    Raises:
        UserError: the run kept no parameters, its data is gone, or it predicts no scores of an
            example by itself.
    """
    if ids := members_of(record):
        records = [lookup(parameters.store, run_id) for run_id in ids]
        members = tuple(_alone(each, planner, parameters) for each in records)
        predicted = Predictions(parameters.store)
        return dataclasses.replace(members[0], record=record, members=members, predicted=predicted)
    alone = _alone(record, planner, parameters)
    refuse_part(alone.run.id, alone.run.config)
    return alone


def _alone(record: Record, planner: Planner, parameters: Parameters) -> KeptRun:
    """A run that is no ensemble."""
    saved = parameters.load(record.run_id)
    run = run_of(record, planner)
    targets = run.program.spec.targets
    if run.program.problem.summary is None or _without_prediction(targets):
        raise UserError(
            f"run {run.id}: explanations require one prediction per example, and"
            f" task={run.config.task} has several or none"
        )
    arrays = planner.arrays(run)
    lane = run_lane(run.program, run.config, arrays)
    arrays = run.program.spec.view(arrays)
    return KeptRun(record, run, lane, saved.variables[evaluated(run.config)], arrays)


def _without_prediction(targets: TargetFeature) -> bool:
    """Whether there is not one class or value to predict."""
    return bool(targets.arrays) or targets.reconstructs or targets.unlabelled
