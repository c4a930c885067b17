"""The study: a tuning's trials in Optuna's journal, a file beside the records that its dashboard opens too."""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._storage import JournalOperation
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState

from research.errors import UserError
from research.sweeps import claims as claims_lib
from research.sweeps.store import Store
from research.sweeps.sweep import check_name

# What a tuning is, among the attributes of its study.
DEFINITION = "tuning"


def path_of(store: Store, name: str) -> Path:
    """Where a tuning's journal lies. Raises UserError for what cannot be a name."""
    check_name(name)
    return store.root / "tunings" / f"{name}.journal"


@contextlib.contextmanager
def journal(store: Store, name: str) -> Iterator[JournalStorage]:
    """The journal of that name, this process's alone. Raises UserError if another process has it, or if it is damaged.

    What a process that was killed left of its last line, or of its lock, is removed.
    """
    path = path_of(store, name)
    store.prepare()
    with claims_lib.working(store.root, lambda run_id: False) as claims:
        claim = f"tuning.{name}"
        if not claims.take([claim], 1):
            holder = claims.others([claim]).get(claim, "another process")
            raise UserError(f"'{name}' is being tuned by {holder}; wait for it, or give another --name")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
        _cut(path)
        yield _replayed(path)


def _replayed(path: Path) -> JournalStorage:
    """The journal as it is now. Raises UserError with the line that cannot be what Optuna wrote."""
    damage = f"the journal {path} is damaged (%s); move it away: its trials are asked for again, their records are kept"
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                break  # another process writes it just now
            try:
                entry = json.loads(line)
                JournalOperation(entry["op_code"])
            except (ValueError, KeyError, TypeError):
                shown = line[:40].decode(errors="replace").strip().replace("\0", "\\0")
                raise UserError(damage % f"line {number}: {shown}") from None
    try:
        return JournalStorage(JournalFileBackend(str(path)))
    except Exception as error:  # entries that are whole and do not follow from those before, as after a line was lost
        reason = (str(error).strip().splitlines() or [""])[0]
        raise UserError(damage % f"{type(error).__name__}: {reason}".rstrip(": ")) from None


def _cut(path: Path) -> None:
    """Cuts off a last line that was not written to its end."""
    with contextlib.suppress(FileNotFoundError), open(path, "rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)
            os.fsync(file.fileno())


def study(
    storage: BaseStorage | None,
    name: str,
    better: str,
    definition: Mapping[str, Any],
    sampler: BaseSampler,
    pruner: BasePruner | None = None,
) -> Study:
    """The study of that name, made if there is none. storage: None for one in memory.

    better: `higher` or `lower` values. Raises UserError if there is one of another definition.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    direction = StudyDirection.MAXIMIZE if better == "higher" else StudyDirection.MINIMIZE
    found = optuna.create_study(
        study_name=name, storage=storage, direction=direction, sampler=sampler, pruner=pruner, load_if_exists=True
    )
    defined, wanted = found.user_attrs.get(DEFINITION), json.loads(json.dumps(definition))
    if defined is None:
        found.set_user_attr(DEFINITION, wanted)
        return found
    differ = [key for key in defined if defined[key] != wanted.get(key)]
    if differ or found.direction != direction:
        words = "; ".join(f"{key} was {_shown(defined.get(key))} and is {_shown(wanted.get(key))}" for key in differ)
        raise UserError(f"'{name}' is a tuning of something else: {words}; give another --name")
    return found


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={item}" for key, item in value.items()) or "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def lines(store: Store, name: str) -> Iterator[str]:
    """How far a tuning is, a line for each of its studies: its trials by outcome, and the best of them.

    Reads the journal as it is, also while another process writes it. Raises UserError if it is damaged.
    """
    storage = _replayed(path_of(store, name))
    for each in storage.get_all_studies():
        trials = storage.get_all_trials(each._study_id, deepcopy=False)
        came = ", ".join(f"{count} {word}" for word, count in counts(trials).items()) or "none yet"
        sign = -1.0 if each.direction == StudyDirection.MAXIMIZE else 1.0
        finished = [trial for trial in trials if trial.state == TrialState.COMPLETE and trial.value is not None]
        best = min(finished, key=lambda trial: sign * (trial.value or 0.0), default=None)
        shown = ""
        if best is not None:
            setting = ", ".join(f"{path}={value}" for path, value in best.params.items())
            shown = f"; best {each.user_attrs.get(DEFINITION, {}).get('metric', 'value')} {best.value:.6g} at {setting}"
        yield f"{each.study_name}: trials: {came}{shown}"


def names(store: Store) -> list[str]:
    """The names of the tunings that are kept beside the records."""
    return sorted(path.stem for path in (store.root / "tunings").glob("*.journal"))


def running(found: Study) -> list[Trial]:
    """The trials that were asked for and have no result yet, by number: a killed process left them."""
    frozen = found.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return [Trial(found, trial._trial_id) for trial in frozen]


def frozen(found: Study, trial: Trial) -> FrozenTrial:
    """A trial as the journal has it."""
    return found.get_trials(deepcopy=False)[trial.number]


def counts(trials: Sequence[FrozenTrial]) -> dict[str, int]:
    """How many trials came to what."""
    words = {TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
    found: dict[str, int] = {}
    for trial in trials:
        word = trial.user_attrs.get("outcome", words.get(trial.state, "unfinished"))
        found[word] = found.get(word, 0) + 1
    return found
