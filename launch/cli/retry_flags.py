"""Flags for asking again: whether to retry failed runs, and whether other code may continue."""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from launch.cli.start import PLUGIN
from research.errors import UserError
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.plan.run_plan import RequestedRun, unique
from research.sweeps.records.store import Store

RETRY_FAILED = flags.DEFINE_bool(
    "retry_failed", False, "train failed runs again; without it they stay failed"
)
ACCEPT_CODE = flags.DEFINE_bool(
    "accept_code", False, "continue a --name that was started with other code"
)


def refuse_other_code(name: str | None, runs: Sequence[RequestedRun], store: Store) -> None:
    """Refuses to train some runs of a sweep by other code than the rest, without --accept_code.

    Args:
        name: the sweep's name; None: it has none.
        runs: its runs.
        store: the records, which know the code that the sweep was started with.

    Raises:
        UserError: runs are missing and the code has changed.
    """
    if name is None:
        if ACCEPT_CODE.value:
            raise UserError("--accept_code requires --name")
        return
    before = SweepSpec.stored(store, name)
    if before is not None:
        before = before.with_plugins([str(Path(path).resolve()) for path in PLUGIN.value])
    if before is None or ACCEPT_CODE.value or before.code in ("", before.code_now()):
        return
    # With every record present nothing is trained, so a table of old code can still be printed.
    missing = sum(not store.path(run.id).exists() for run in unique(runs))
    if missing:
        raise UserError(
            f"'{name}' was started with other code (research/ and plugins were {before.code} and"
            f" are {before.code_now()}), and {missing} of its runs have no record: go back to that"
            " code, or continue with the new code by --accept_code"
        )
