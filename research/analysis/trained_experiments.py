"""Which declared experiments can have records, decided without planning them."""

from collections.abc import Iterable, Mapping

from research import config as config_lib
from research.sweeps.declare import selection
from research.sweeps.experiment import Experiment
from research.sweeps.records.record import Record

# Neither a data set nor a task fills these in, so that records have them as they were asked for.
TELLING = ("dataset", "arch", "optimizer", "epochs")

Kind = tuple[str | None, ...]


def may_have_records(experiment: Experiment, records: Iterable[Record]) -> bool:
    """Whether some record is of the kind of a run of the experiment.

    False is certain. True is not: only planning gives run ids, but it reads the data and traces
    every program, which takes seconds per experiment.

    Raises:
        UserError: the experiment has settings that do not exist.
    """
    kinds = _kinds(experiment)
    return any(_kind(record.config) in kinds for record in records)


def _kinds(experiment: Experiment) -> set[Kind]:
    """The kinds of all runs that the experiment's rows can have."""
    if experiment.choose is None:
        by_arm = selection.requests(experiment, {})
        requests = [of_arm[0] for of_arm in by_arm.values()]
    else:
        # The reported runs have one of the values to choose from.
        by_value = selection.candidates(experiment).values()
        requests = [of_value[0] for of_arm in by_value for of_value in of_arm]
    return {_kind(config_lib.to_flags(config_lib.resolve(request)[0])) for request in requests}


def _kind(flags: Mapping[str, str]) -> Kind:
    return tuple(flags.get(name) for name in TELLING)
