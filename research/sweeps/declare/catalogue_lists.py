"""The lists of the catalogue, as users call them: `architectures`, `regularizers`,
`experiments`."""

from collections.abc import Callable

from research.plugin.file import REGISTRIES
from research.registry import Entry, Registry
from research.sweeps.declare import experiment_files
from research.sweeps.declare.designs import DESIGNS
from research.sweeps.experiment import EXPERIMENTS

LISTS: dict[str, Registry] = {each.plural: each for each in (*REGISTRIES, DESIGNS, EXPERIMENTS)}


def listed(plural: str, warn: Callable[[str], None]) -> list[Entry]:
    """The entries of a list; a family of names, such as csv:FILE, is one entry.

    warn: called with each file of experiments/ that cannot be imported.
    """
    if plural == EXPERIMENTS.plural:
        experiment_files.load(warn)
    return [*LISTS[plural], *LISTS[plural].examples()]
