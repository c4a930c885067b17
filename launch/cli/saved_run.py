"""A run with saved parameters, as the flags name it, and what it takes to apply its network."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from absl import flags

from launch.cli.planner import planner
from launch.cli.records import store
from research.data.progress_bar import progress
from research.data.spec import Arrays, DataSpec
from research.errors import UserError
from research.sweeps.ensembles.new_rows import members_of
from research.sweeps.execute.terminal import Terminal
from research.sweeps.plan.basis import applied
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.sweeps.records.saved_parameters import Parameters, Saved, evaluated
from research.sweeps.records.store import Store
from research.sweeps.records.verification import lookup, run_of
from research.training.apply.decode import decode, has_decoder
from research.training.apply.final_metrics import run_lane
from research.training.step.state import Lane, Variables

RUN = flags.DEFINE_string(
    "run", None, "a run with saved parameters: its id, the beginning of it, its --name or a tag"
)
PARAMS = flags.DEFINE_enum(
    "params",
    None,
    ["best", "last"],
    "which parameters; none: those of the record's metrics",
)


BEAMS = flags.DEFINE_integer(
    "beams", 1, "number of beams of the beam search; 1: greedy decoding", lower_bound=1
)


@dataclasses.dataclass(frozen=True)
class SavedRun:
    """spec: what is known of the run's own data. lane: without rows where that data is not read.

    which: of its parameters; epoch: when they were. ensemble: the record of the ensemble whose
        first member this is, with all its members; None of a run by itself.
    """

    record: Record
    run: PlannedRun
    spec: DataSpec
    lane: Lane
    which: str
    epoch: int
    variables: Variables
    ensemble: Record | None = None
    members: tuple["SavedRun", ...] = ()

    @property
    def described(self) -> str:
        """What is evaluated, and with which parameters."""
        if self.ensemble is not None:
            return f"ensemble {self.ensemble.run_id}: its {len(self.members)} members"
        if self.run.program.fitted:
            return f"run {self.run.id}: its fitted estimator"
        return f"run {self.run.id}: its {self.which} parameters, of epoch {self.epoch}"

    @property
    def calibration(self) -> dict[str, Any]:
        """The map of its scores, which belongs to the parameters of the record's metrics."""
        return self.record.calibration if self.which == evaluated(self.run.config) else {}

    def answers(self, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """The likeliest answers found to examples, and their log-probabilities; see
        research.training.apply.decode."""
        self.check_beams()
        rows = len(jax.tree.leaves(x)[0])
        with progress(rows, "answering", "example") as bar:
            return decode(self.run.program, self.lane, self.variables, x, BEAMS.value, bar.update)

    def check_beams(self) -> None:
        """Raises UserError if there is more than one beam and no decoder."""
        if BEAMS.value > 1 and not has_decoder(self.run.program):
            raise UserError(
                f"--beams={BEAMS.value} requires a decoder (arch=transformer, arch=seq2seq);"
                f" arch={self.run.config.arch.name} has none; leave it out"
            )


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """A run's own data, and what its rows are called, if not by their numbers."""

    arrays: Arrays
    names: Sequence[str]


def load_run() -> SavedRun:
    """The run that the flags name, ready for new data; its own data may be gone.

    Raises UserError if it is not named, not there, or kept no parameters.
    """
    records, record = _record()
    if members := _members(records, record):
        return dataclasses.replace(members[0], ensemble=record, members=members)
    return _loaded(records, record)


def _loaded(records: Store, record: Record) -> SavedRun:
    saved = Parameters(records).load(record.run_id)
    if saved.basis is None:  # of an older version
        return _with_data(record, saved)[0]
    run, lane = applied(record, saved.basis, Terminal().warn)
    return _saved_run(record, saved, run, run.program.spec, lane)


def _members(records: Store, record: Record) -> tuple[SavedRun, ...]:
    """The members of an ensemble; none of a run by itself."""
    return tuple(_loaded(records, lookup(records, run_id)) for run_id in members_of(record))


def load_run_with_data() -> tuple[SavedRun, TrainingData]:
    """The run that the flags name, and its own data. Raises UserError as load_run does, and if that
    data is gone."""
    records, record = _record()
    if members := _members(records, record):
        first, data = _with_own_data(records, members[0].record)
        return dataclasses.replace(first, ensemble=record, members=members), data
    return _with_own_data(records, record)


def _with_own_data(records: Store, record: Record) -> tuple[SavedRun, TrainingData]:
    saved = Parameters(records).load(record.run_id)
    try:
        return _with_data(record, saved)
    except UserError as error:
        if saved.basis is None:
            raise
        raise UserError(
            f"{error}. This is the data that run {record.run_id} was trained on; new data can be"
            " evaluated without it: --split=csv:FILE, folder:DIR or text:FILE"
        ) from None


def _record() -> tuple[Store, Record]:
    if not RUN.value:
        raise UserError("give --run=RUN: a run's id, its --name or a tag (launch.runs lists them)")
    name, colon, which = RUN.value.partition(":")
    if colon:
        raise UserError(
            f"--run={RUN.value} names the parameters too; write --run={name}"
            f" --params={which or 'best'}"
        )
    records = store()
    return records, lookup(records, name)


def training_data(saved: SavedRun) -> tuple[np.ndarray, TrainingData]:
    """The rows [R] that a run was trained on, or any member of an ensemble, and its own data.
    Raises UserError if that is gone or has changed."""
    plans = planner()
    trained: list[np.ndarray] = []
    for member in saved.members or (saved,):
        _, lane, _, data = _own_data(member.record, plans)
        trained.append(np.asarray(lane.train))
    rows = np.unique(np.concatenate(trained))
    return rows[rows >= 0], data


def _with_data(record: Record, saved: Saved) -> tuple[SavedRun, TrainingData]:
    run, lane, spec, data = _own_data(record, planner())
    return _saved_run(record, saved, run, spec, lane), data


def _own_data(record: Record, plans: Planner) -> tuple[PlannedRun, Lane, DataSpec, TrainingData]:
    run = run_of(record, plans)
    source, arrays = plans.source(run.config), plans.arrays(run)
    lane = run_lane(run.program, run.config, arrays)
    return run, lane, source.spec, TrainingData(arrays, source.names)


def _saved_run(
    record: Record, saved: Saved, run: PlannedRun, spec: DataSpec, lane: Lane
) -> SavedRun:
    which = PARAMS.value or evaluated(run.config)
    epoch, variables = saved.epochs[which], saved.variables[which]
    if record.diverged_at is not None:
        Terminal().warn(
            f"the run diverged at step {record.diverged_at}; these are its parameters after epoch"
            f" {epoch}"
        )
    return SavedRun(record, run, spec, lane, which, epoch, variables)
