"""Labels: the tags and the note that a user gives a run. They lie beside the records and change
none of them."""

import dataclasses
from collections.abc import Iterable, Mapping

from research.errors import UserError
from research.sweeps.records.store import Damaged, Store

_FOLDER = "labels"


@dataclasses.dataclass(frozen=True)
class RunLabels:
    """tags: words, in the order of the alphabet. note: a sentence."""

    tags: tuple[str, ...] = ()
    note: str = ""


def labels_of(store: Store, run_ids: Iterable[str]) -> dict[str, RunLabels]:
    """The labels of the runs that have some, by id. A damaged file is named and passed over."""
    labels = {}
    for run_id in run_ids:
        try:
            content: Mapping | None = store.read_json(_FOLDER, run_id)
        except Damaged as damaged:
            store.warn(f"{damaged}; the run has no tags")
            continue
        if content is not None:
            labels[run_id] = RunLabels(tuple(content.get("tags", ())), content.get("note", ""))
    return labels


def tagged(store: Store) -> dict[str, list[str]]:
    """The ids of the runs that have each tag, by tag."""
    runs: dict[str, list[str]] = {}
    files = sorted((store.root / _FOLDER).glob("*.json"))
    for run_id, labels in labels_of(store, [file.stem for file in files]).items():
        for tag in labels.tags:
            runs.setdefault(tag, []).append(run_id)
    return runs


def relabel(store: Store, run_id: str, tags: Iterable[str], note: str | None) -> RunLabels:
    """Changes a run's labels, and returns them.

    Args:
        store: the records directory.
        run_id: the run.
        tags: tags to add; `-tag` removes one.
        note: the new note; None leaves the present one.

    Raises:
        UserError: a tag is not a word.
    """
    before = labels_of(store, [run_id]).get(run_id, RunLabels())
    remaining = set(before.tags)
    for tag in tags:
        name = tag.removeprefix("-")
        if not name or any(letter.isspace() or letter == "," for letter in name):
            raise UserError(f"--tag={tag}: a tag is a word; -{name or 'word'} removes it")
        remaining = remaining - {name} if tag.startswith("-") else remaining | {name}
    after = RunLabels(tuple(sorted(remaining)), before.note if note is None else note)
    store.write_json(_FOLDER, run_id, {"tags": list(after.tags), "note": after.note})
    return after
