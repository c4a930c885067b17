"""Registration: what an experiment will ask, written down before its first run."""

import dataclasses
import datetime
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from research.durable_files import write_atomically
from research.errors import UserError
from research.identity import digest
from research.sweeps.declare.dataset_arms import DatasetArms
from research.sweeps.experiment import Experiment
from research.sweeps.records.store import Store
from research.words import plural

FOLDER = "registered"
# What may be changed without changing what is asked.
_TEXTS = ("name", "summary", "notes", "paper", "published", "arm_seeds", "until")


def register(store: Store, experiment: Experiment, recorded: int) -> str:
    """Writes the registration of an experiment, and returns its digest.

    Args:
        store: the records folder.
        experiment: what is asked.
        recorded: how many of its runs have a record already.

    Raises:
        UserError: runs have records already, or it is registered differently.
    """
    asked = question(experiment)
    known = _read(store, experiment.name)
    if known is not None:
        changes = list(_changes(known["question"], asked))
        if changes:
            raise UserError(
                f"'{experiment.name}' is registered already, with {changes[0]}; a registration"
                f" cannot be changed: give the new question another name"
            )
        return str(known["digest"])
    if recorded:
        raise UserError(
            f"{plural(recorded, 'run')} of '{experiment.name}' have records already; a registration"
            " comes before the first run (an empty --records folder has none)"
        )
    date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    content = {"digest": digest(asked), "date": date, "question": asked}
    write_atomically(_file(store, experiment.name), json.dumps(content, indent=1) + "\n")
    return digest(asked)


def question(experiment: Experiment) -> dict[str, Any]:
    """All that decides what an experiment asks, as JSON."""
    declared = {
        field.name: getattr(experiment, field.name)
        for field in dataclasses.fields(experiment)
        if field.name not in _TEXTS
    }
    if isinstance(experiment.arms, DatasetArms):
        declared["baseline"] = experiment.arms.baseline
    declared["arms"] = {label: dict(arm) for label, arm in experiment.arms.items()}
    declared["columns"] = [dataclasses.asdict(column) for column in experiment.columns]
    if experiment.choose is not None:
        declared["choose"] = dataclasses.asdict(experiment.choose)
    if experiment.until:
        declared["seeds"] = f"until {experiment.until}"
    plain: dict[str, Any] = json.loads(json.dumps(declared, default=str))
    return plain


def sentences(store: Store, experiment: Experiment) -> Iterator[str]:
    """What a table says of the registration; nothing where there is none.

    Args:
        store: the records, beside which the registration lies.
        experiment: the declared table as it is now.
    """
    known = _read(store, experiment.name)
    if known is None:
        return
    what = f"Registered on {known['date'][:10]}, before its first run (digest {known['digest']})"
    changes = list(_changes(known["question"], question(experiment)))
    yield f"{what}; since then changed: {'; '.join(changes)}." if changes else f"{what}, unchanged."


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What differs, in words: `seeds: 10, now 20`."""
    for name in sorted(before.keys() | now.keys()):
        if name not in before and now[name] == _default(name):
            continue
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
            yield f"{name}: {', '.join(map(str, keys))}"
        elif isinstance(old, list | dict) or isinstance(new, list | dict):
            yield name
        else:
            yield f"{name}: {old}, now {new}"


def _default(name: str) -> Any:
    """What a field of Experiment has where nothing is declared, as JSON: a registration from before
    the field existed asks the same."""
    for field in dataclasses.fields(Experiment):
        if field.name == name:
            factory = field.default_factory
            default = field.default if factory is dataclasses.MISSING else factory()
            return json.loads(json.dumps(default, default=str))
    return None


def _file(store: Store, name: str) -> Path:
    return store.root / FOLDER / f"{name}.json"


def _read(store: Store, name: str) -> dict[str, Any] | None:
    """The registration of that name; None where there is none. Raises UserError if damaged."""
    file = _file(store, name)
    try:
        content = json.loads(file.read_text())
        if digest(content["question"]) != content["digest"]:
            raise ValueError("its digest is that of another question")
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file} is damaged ({error}); move it away to continue without it"
        ) from None
    return dict(content)
