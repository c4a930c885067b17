"""A run that kept its parameters, as the flags name it, and what it takes to apply its network."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from absl import flags

from launch.planner import planner
from launch.records import store
from research.data.spec import Arrays, DataSpec
from research.errors import UserError
from research.sweeps.monitor import Terminal
from research.sweeps.parameters import Parameters, evaluated
from research.sweeps.plan import Run
from research.sweeps.record import Record
from research.sweeps.verification import lookup, run_of
from research.training.answers import answered, decodes
from research.training.evaluation import lane_of
from research.training.state import Lane, Variables

RUN = flags.DEFINE_string("run", None, "the id of a run that kept its parameters, or the beginning of one")
PARAMS = flags.DEFINE_enum(
    "params", None, ["best", "last"], "which of its parameters; none: those that its record's metrics are of"
)


BEAMS = flags.DEFINE_integer("beams", 1, "answers that a beam search follows; 1: a greedy one", lower_bound=1)


@dataclasses.dataclass(frozen=True)
class Trained:
    """arrays, spec, names: the run's own data, what its source says of them, and what rows are called, if not numbers.

    which: of its parameters; epoch: when they were.
    """

    record: Record
    run: Run
    arrays: Arrays
    spec: DataSpec
    names: Sequence[str]
    lane: Lane
    which: str
    epoch: int
    variables: Variables

    def answers(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The likeliest answers found to examples, and their log-probabilities; see research.training.answers."""
        self.check_beams()
        return answered(self.run.program, self.lane, self.variables, x, BEAMS.value)

    def check_beams(self) -> None:
        """Raises UserError if there is more than one beam and no decoder."""
        if BEAMS.value > 1 and not decodes(self.run.program):
            raise UserError(
                f"--beams={BEAMS.value} is of a decoder (arch=transformer, arch=seq2seq); "
                f"arch={self.run.config.arch.name} has none; leave it out"
            )


def trained() -> Trained:
    """The run that the flags name. Raises UserError if it is not named, not there, or kept no parameters."""
    if not RUN.value:
        raise UserError(
            "--run=ID says which run; launch.train prints its id, and launch.table --rows=runs those of many"
        )
    name, colon, which = RUN.value.partition(":")
    if colon:
        raise UserError(f"--run={RUN.value}: the id alone; give --run={name} --params={which or 'best'}")
    records, plans = store(), planner()
    record = lookup(records, name)
    run = run_of(record, plans)
    saved, arrays = Parameters(records).load(record.run_id), plans.arrays(run)
    lane, which = lane_of(run.program, run.config, arrays), PARAMS.value or evaluated(run.config)
    source = plans.source(run.config)
    epoch, variables = saved.epochs[which], saved.variables[which]
    if record.diverged_at is not None:
        Terminal().warn(f"the run diverged at step {record.diverged_at}; these are its parameters after epoch {epoch}")
    return Trained(record, run, arrays, source.spec, source.names, lane, which, epoch, variables)
