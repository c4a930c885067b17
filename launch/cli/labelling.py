"""Tags and notes of runs, as the command line writes them: RUN:text."""

from collections.abc import Sequence

from research.errors import UserError
from research.sweeps.records.run_labels import relabel
from research.sweeps.records.store import Store
from research.sweeps.records.verification import lookup


def label(records: Store, tags: Sequence[str], notes: Sequence[str]) -> None:
    """Gives runs their tags and notes.

    Args:
        records: the store.
        tags: texts `RUN:tag`, or `RUN:-tag` to take one away.
        notes: texts `RUN:text`.

    Raises:
        UserError: a text has another form; no run is labelled then.
    """
    for given in (*tags, *notes):
        if ":" not in given:
            raise UserError(f"'{given}' is not of the form RUN:text")
    for given in tags:
        run_id, _, tag = given.partition(":")
        relabel(records, lookup(records, run_id).run_id, [tag], None)
    for given in notes:
        run_id, _, text = given.partition(":")
        relabel(records, lookup(records, run_id).run_id, [], text)
