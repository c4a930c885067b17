"""An entry of the catalogue as lines of text: what it is, its options, and what it requires."""

from collections.abc import Iterator

from research.options import REQUIRED, Option, format_value
from research.registry import Entry, Loss, Metric, Regularizer
from research.training.setup.effects import SITES, site_of


def entry_lines(entry: Entry) -> Iterator[str]:
    """The entry's summary, then a line per option and per condition of its use."""
    slot = f"[{entry.slot}] " if isinstance(entry, Regularizer) else ""
    slot = f"[{entry.better} is better] " if isinstance(entry, Metric) else slot
    paper = f" ({entry.paper})" if entry.paper else ""
    yield f"{entry.name}: {slot}{entry.summary}{paper}"
    for option in entry.options:
        yield f"    {option.name}={_default(option)}  {option.help}{_allowed(option)}"
    for need in conditions(entry):
        yield f"    requires: {need}"


def conditions(entry: Entry) -> Iterator[str]:
    """What must hold for the entry to be used; where it does not, that is an error before anything
    trains."""
    if isinstance(entry, Regularizer) and (site := site_of(entry)) in SITES:
        yield f"The network has {SITES[site]}."
    if isinstance(entry, Loss | Metric):
        yield f"The task is {' or '.join(entry.tasks)}."
    yield from entry.requirements


def _default(option: Option) -> str:
    return "(required)" if option.default is REQUIRED else format_value(option.default)


def _allowed(option: Option) -> str:
    if option.choices:
        return f"; one of {', '.join(option.choices)}"
    return f"; {option.range}" if option.range is not None else ""
