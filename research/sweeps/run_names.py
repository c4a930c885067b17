"""What a user may write for a run: its id or the beginning of it, a name, a tag."""

from collections.abc import Sequence

from research.errors import UserError, close, nearest
from research.sweeps.declare import sweep_spec as sweep_lib
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.records.run_labels import tagged
from research.sweeps.records.store import Store
from research.words import plural

MOST = 5  # ids that a message lists


def find_run(store: Store, text: str) -> str:
    """The id of the run that `text` means.

    An id comes first, then the --name of a run and the tag of one run, then the beginning of an
    id. Raises UserError with the nearest ids, names and tags if it means no run, and with the ids
    if it means several.
    """
    ids = list(store.ids())
    if text in ids:
        return text
    tags = tagged(store)
    labelled = [run_id for run_id in tags.get(text, ()) if run_id in ids]
    named = _named(store, text)
    beginning = [run_id for run_id in ids if text and run_id.startswith(text)]
    matches = list(dict.fromkeys([*named, *labelled])) or beginning
    if not matches:
        raise UserError(f"no record of a run '{text}' in {store.root}; {_instead(store, text)}")
    if len(matches) > 1:
        kind = "is the beginning of" if matches is beginning else "names"
        some = ", ".join(matches[:MOST])
        raise UserError(
            f"'{text}' {kind} {plural(len(matches), 'run')}; give the id of one: {some}"
        )
    if matches[0] not in ids:
        raise UserError(
            f"'{text}' is run {matches[0]}, which has no record in {store.root} yet; train it first"
        )
    return matches[0]


def _instead(store: Store, text: str) -> str:
    """What to write for a run that is not there: names like it, or where the runs are listed."""
    if (store.root / "tunings" / f"{text}.journal").is_file():
        return f"it is a tuning, and launch.table --name={text} lists its trials with their runs"
    ids, names = list(store.ids()), [*sweep_lib.names(store), *tagged(store)]
    if close(text, [*ids, *names]):
        return nearest(text, [*ids, *names])
    listed = f"launch.runs lists its {plural(len(ids), 'run')}"
    return f"{listed}; names and tags: {', '.join(names[:MOST])}" if names else listed


def _named(store: Store, name: str) -> Sequence[str]:
    """The runs of the sweep of that name; none where there is no such sweep."""
    if name not in sweep_lib.names(store):
        return ()
    sweep = SweepSpec.stored(store, name)
    return () if sweep is None else tuple(dict.fromkeys(sweep.runs))
