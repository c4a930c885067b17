"""What launch.list prints: a list of the catalogue, or the entries of a name."""

from collections.abc import Iterator

from launch.cli.entry_lines import entry_lines
from research import messages
from research.data import tfds_prepared
from research.errors import UserError, close, nearest
from research.registry import SLOTS, Entry, Regularizer
from research.sweeps.declare.catalogue_lists import LISTS, listed
from research.sweeps.experiment import EXPERIMENTS, Experiment
from research.words import plural

_PARTS = [registry for registry in LISTS.values() if registry is not EXPERIMENTS]
# What stands below the entries of a list.
_BELOW = {
    "optimizers": (
        "chain(…): a chain of optax transformations, whose numbers may differ per lane:"
        " 'chain(clip(1.0), scale_by_adam())'"
    )
}


def lines(name: str, data_dir: str | None) -> Iterator[str]:
    """The lines of a list, or of every entry that has this name.

    Args:
        name: of a list or an entry.
        data_dir: where prepared data sets lie; None: where TFDS looks.

    Raises:
        UserError: nothing has the name.
    """
    if name in LISTS:
        yield from _list(name, data_dir)
        return
    named = [entry for registry in _PARTS for entry in registry if entry.name == name]
    if not named:
        known = {*LISTS, *(entry.name for registry in _PARTS for entry in registry)}
        near = known if close(name, known) else set(LISTS)
        raise UserError(f"there is no list or name '{name}'; {nearest(name, near)}")
    for entry in named:
        yield from entry_lines(entry)


def _list(name: str, data_dir: str | None) -> Iterator[str]:
    entries = listed(name, messages.warn)
    if not entries:
        yield (
            f"there are no {name} yet; a --plugin=FILE can register some with @{LISTS[name].kind}"
        )
    for entry in sorted(entries, key=_slot):
        yield from _experiment(entry) if isinstance(entry, Experiment) else entry_lines(entry)
    if name in _BELOW:
        yield _BELOW[name]
    if name == "datasets":
        prepared = ", ".join(sorted(tfds_prepared.available(data_dir))) or "none"
        yield f"prepared in {tfds_prepared.data_directory(data_dir)}: {prepared}"


def _slot(entry: Entry) -> int:
    """Regularizers stand in the order in which they act."""
    return SLOTS.index(entry.slot) if isinstance(entry, Regularizer) else 0


def _experiment(experiment: Experiment) -> Iterator[str]:
    paper = f" ({experiment.paper})" if experiment.paper else ""
    yield f"{experiment.name}: {experiment.summary}{paper}"
    arms, seeds = plural(len(experiment.arms), "arm"), plural(experiment.seeds, "seed")
    yield f"    {arms}, {seeds}, baseline {experiment.baseline}"
