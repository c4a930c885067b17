"""Callbacks: a user's own functions, called on the host when runs have ended an epoch; they change
no training."""

import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from research.errors import blamed
from research.registry import CALLBACKS, Callback
from research.sweeps.plan.run_plan import PlannedRun


class Ended(NamedTuple):
    """A run has ended an epoch, counted from 1, with these metrics of the epoch, by name
    (`validation/accuracy`)."""

    run: PlannedRun
    epoch: int
    metrics: Mapping[str, float]


# Packs train in threads; a callback that writes a file expects one call at a time.
_CALLING = threading.Lock()
# A process trains in several steps (the rounds of a tuning), and an error is said once in all of
# them.
_WARNED: set[Callback] = set()


def call(runs: Callable[[], Sequence[Ended]], warn: Callable[[str], None]) -> None:
    """Calls every callback of every run that has ended an epoch; an error in one is a warning, the
    first time."""
    entries = list(CALLBACKS)
    if not entries:
        return
    with _CALLING:
        for ended in runs():
            for entry in entries:
                _call(entry, ended, warn)


def _call(entry: Callback, ended: Ended, warn: Callable[[str], None]) -> None:
    function = entry.build()
    try:
        function(ended.run.id, ended.epoch, dict(ended.metrics))
    # SystemExit too: a script's sys.exit must not end the training of a whole sweep.
    except (Exception, SystemExit) as error:
        if entry in _WARNED:
            return
        _WARNED.add(entry)
        reason = blamed(error, [inspect.getfile(function)]) or f"{type(error).__name__}: {error}"
        warn(
            f"the callback {entry.name} fails after epoch {ended.epoch} ({reason});"
            " training goes on"
        )
