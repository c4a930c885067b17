"""The journal: a tuning's studies in Optuna's format, a file beside the records that its dashboard
opens too."""

import contextlib
import dataclasses
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._storage import JournalOperation
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from research.errors import UserError
from research.sweeps.column import Better
from research.sweeps.coordinate import claims as claims_lib
from research.sweeps.declare.sweep_spec import check_name
from research.sweeps.records.store import Store
from research.sweeps.tuning import space

# Attributes: a study's definition, and the earlier study that an entered trial comes from.
DEFINITION = "tuning"
ENTERED = "entered"

_WORDS = {TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


@dataclasses.dataclass(frozen=True)
class Studied:
    """A study as a journal has it. definition: what its trials are a function of; None: it was not
    made to its end."""

    name: str
    better: Better
    definition: Mapping[str, Any] | None
    trials: Sequence[FrozenTrial]

    @property
    def metric(self) -> str:
        """What its trials are compared by."""
        return str((self.definition or {}).get("metric", "value"))


def path_of(store: Store, name: str) -> Path:
    """Where a tuning's journal lies. Raises UserError for what cannot be a name."""
    check_name(name)
    return store.root / "tunings" / f"{name}.journal"


def claim_of(name: str) -> str:
    """What the process claims that tunes."""
    return f"tuning.{name}"


@contextlib.contextmanager
def journal(store: Store, name: str) -> Iterator[JournalStorage]:
    """The journal of that name, this process's alone. Raises UserError if another process has it,
    or if it is damaged.

    What a process that was killed left of its last line, or of its lock, is removed.
    """
    path = path_of(store, name)
    store.prepare()
    with claims_lib.working(store.root, lambda run_id: False) as claims:
        claim = claim_of(name)
        if not claims.take([claim], 1):
            holder = claims.others([claim]).get(claim, "another process")
            raise UserError(
                f"'{name}' is being tuned by {holder}; wait for it, or give another --name"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        # After the claim: no other process writes now, so a lock that is here is a dead process's.
        path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
        # Before Optuna opens the file: it would append to half a line and spoil the next entry too.
        _cut(path)
        yield _replayed(path)


def _replayed(path: Path) -> JournalStorage:
    """The journal as it is now. Raises UserError with the line that cannot be what Optuna wrote."""
    damage = (
        f"the journal {path} is damaged (%s); move it away: its trials are asked for again, their"
        " records are kept"
    )
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                # Another process is writing this line just now.
                break
            try:
                entry = json.loads(line)
                JournalOperation(entry["op_code"])
            except (ValueError, KeyError, TypeError):
                shown = line[:40].decode(errors="replace").strip().replace("\0", "\\0")
                raise UserError(damage % f"line {number}: {shown}") from None
    try:
        return JournalStorage(JournalFileBackend(str(path)))
    except Exception as error:
        # Each entry is whole, but one does not follow from those before, as after a lost line.
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


def studies(storage: BaseStorage) -> list[Studied]:
    """The studies of a journal, in the order in which they were made."""
    return [
        Studied(
            each.study_name,
            "higher" if each.direction == StudyDirection.MAXIMIZE else "lower",
            each.user_attrs.get(DEFINITION),
            storage.get_all_trials(each._study_id, deepcopy=False),
        )
        for each in storage.get_all_studies()
    ]


def read(store: Store, name: str) -> list[Studied]:
    """The studies of a tuning as its journal has them now, also while another process writes it.

    Raises UserError if it is damaged.
    """
    return studies(_replayed(path_of(store, name)))


def lines(store: Store, name: str) -> Iterator[str]:
    """How far a tuning is, a line for each of its studies: its trials by outcome, and the best of
    them."""
    every = read(store, name)
    if not every:
        yield f"{name}: trials: none yet"
    for each in every:
        came = (
            ", ".join(f"{count} {word}" for word, count in counts(each.trials).items())
            or "none yet"
        )
        sign = -1.0 if each.better == "higher" else 1.0
        finished = [
            trial
            for trial in each.trials
            if trial.state == TrialState.COMPLETE and trial.value is not None
        ]
        best = min(finished, key=lambda trial: sign * (trial.value or 0.0), default=None)
        shown = ""
        if best is not None:
            setting = ", ".join(f"{path}={value}" for path, value in space.texts(best).items())
            shown = f"; best {each.metric} {best.value:.6g} at {setting}"
        yield f"{each.name}: trials: {came}{shown}"


def names(store: Store) -> list[str]:
    """The names of the tunings that are kept beside the records."""
    return sorted(path.stem for path in (store.root / "tunings").glob("*.journal"))


def outcome(trial: FrozenTrial) -> str:
    """The outcome of a trial, in a word."""
    return str(trial.user_attrs.get("outcome", _WORDS.get(trial.state, "unfinished")))


def counts(trials: Sequence[FrozenTrial]) -> dict[str, int]:
    """The number of trials by outcome."""
    return dict(Counter(map(outcome, trials)))
