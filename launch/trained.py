"""A run that kept its parameters, as the flags name it, and what it takes to apply its network."""

import dataclasses

from absl import flags

from launch.planner import planner
from launch.records import store
from research.data.spec import Arrays, DataSpec
from research.errors import UserError
from research.sweeps.parameters import Parameters, evaluated
from research.sweeps.plan import Run
from research.sweeps.record import Record
from research.sweeps.verification import lookup, run_of
from research.training.evaluation import lane_of
from research.training.state import Lane, Variables

RUN = flags.DEFINE_string("run", None, "the id of a run that kept its parameters, or the beginning of one")
PARAMS = flags.DEFINE_enum(
    "params", None, ["best", "last"], "which of its parameters; none: those that its record's metrics are of"
)


@dataclasses.dataclass(frozen=True)
class Trained:
    """data: the run's own arrays, and what its source says of them. which: of its parameters; epoch: when they were."""

    record: Record
    run: Run
    arrays: Arrays
    spec: DataSpec
    lane: Lane
    which: str
    epoch: int
    variables: Variables


def trained(task: str = "", does: str = "") -> Trained:
    """The run that the flags name. task: the only one that will do, because it `does` what the others do not.

    Raises UserError if it is not named, not there, of another task, or kept no parameters.
    """
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
    if task and run.config.task != task:
        raise UserError(f"run {record.run_id} is of the task {run.config.task}; only a {task} {does}")
    saved, arrays = Parameters(records).load(record.run_id), plans.arrays(run)
    lane, which = lane_of(run.program, run.config, arrays), PARAMS.value or evaluated(run.config)
    spec = plans.source(run.config).spec
    return Trained(record, run, arrays, spec, lane, which, saved.epochs[which], saved.variables[which])
