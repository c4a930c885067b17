"""Compatibility: whether an architecture takes the features of a data set, and what does."""

import dataclasses
from collections.abc import Callable, Mapping
from itertools import islice

from research.data.spec import DataSpec
from research.entry_kinds import ANSWERED
from research.errors import ShapeError
from research.registry import ARCHITECTURES, FEATURES, Architecture, HostEstimator

# One input suits many networks: a message names so many of them. Each is planned first, which takes
# up to a third of a second.
_NAMED = 4


def as_taken(spec: DataSpec, entry: Architecture) -> DataSpec:
    """A data set with its inputs as an architecture takes them.

    Raises ShapeError if it cannot read the inputs or has no output for each target.
    """
    inputs = spec.inputs.taken_as(entry.takes)
    if inputs is not None and spec.targets.at in entry.answers:
        return dataclasses.replace(spec, inputs=inputs)
    if inputs is None:
        clash = f"takes {_taken(entry)}; {spec.name} has {spec.inputs.describe()}"
    else:
        answers = " or ".join(map(ANSWERED.__getitem__, entry.answers))
        each = "one target per example"
        if spec.targets.shape:
            each = f"a target {ANSWERED[spec.targets.at]}"
        clash = f"answers {answers}; {spec.name} has {each}"
    raise ShapeError(f"arch={entry.name} {clash}")


def advice(spec: DataSpec, trains: Callable[[Architecture], bool]) -> str:
    """Which architectures to use instead, for a message.

    Args:
        spec: the data set, as its task sees it.
        trains: whether a run of an architecture that takes the features would train.
    """
    taking = [
        entry
        for entry in ARCHITECTURES
        if spec.inputs.taken_as(entry.takes) and spec.targets.at in entry.answers
    ]
    # Those that need no further facts first: a table suits mlp better than a network that reads
    # its columns as a sequence. Of these networks first, since a network was asked for.
    taking.sort(key=lambda entry: (len(entry.needs_facts), isinstance(entry, HostEstimator)))
    if not taking:
        return "no architecture fits these data"
    names = [entry.name for entry in islice(filter(trains, taking), _NAMED + 1)]
    # If none trains with the other settings, the next message says which setting is wrong.
    names = names or [entry.name for entry in taking]
    return "use " + ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")


def _taken(entry: Architecture) -> str:
    """What an architecture takes, in a message."""
    if isinstance(entry.takes, Mapping):
        return " and ".join(f"{name} ({_counted(kind)})" for name, kind in entry.takes.items())
    return " or ".join(map(_counted, entry.takes))


def _counted(kind: str) -> str:
    """A kind of features as messages call examples of it."""
    # Padded series are a kind without an entry of their own.
    known = {entry.name: getattr(entry.build, "counted", kind) for entry in FEATURES}
    return known.get(kind, kind)
