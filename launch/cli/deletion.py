"""Runs deleted from a records folder, after the user has agreed."""

import shutil
import sys
from collections.abc import Sequence

from research.errors import UserError
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.saved_parameters import Parameters
from research.sweeps.records.store import Store
from research.words import plural


def delete(records: Store, run_ids: Sequence[str], agreed: bool) -> None:
    """Deletes records, kept parameters and predictions, and labels, after asking.

    Args:
        records: the store.
        run_ids: the runs to delete.
        agreed: do not ask.

    Raises:
        UserError: nobody can be asked.
    """
    runs = plural(len(run_ids), "run")
    if not agreed:
        # A script cannot answer a question, and must not delete without one.
        if not sys.stdin.isatty():
            some = ", ".join(run_ids[:4]) + (", …" if len(run_ids) > 4 else "")
            raise UserError(f"--delete would delete {runs}: {some}; add --yes to confirm")
        if input(f"delete {runs} in {records.root}? [y/N] ").strip().lower() not in ("y", "yes"):
            print("nothing was deleted")
            return
    for run_id in run_ids:
        _remove(records, run_id)
    print(f"deleted {runs}")


def _remove(records: Store, run_id: str) -> None:
    shutil.rmtree(Parameters(records).path(run_id), ignore_errors=True)
    Predictions(records).path(run_id).unlink(missing_ok=True)
    (records.root / "labels" / f"{run_id}.json").unlink(missing_ok=True)
    # The record goes last: after an interruption the run is still listed and can be deleted again.
    records.forget(run_id)
