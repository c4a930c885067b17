"""What is asked for again: whether runs that failed are tried once more, and whether other code may
go on."""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from launch.cli.start import PLUGIN
from research.errors import UserError
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.plan.run_plan import RequestedRun, unique
from research.sweeps.records.store import Store

RETRY_FAILED = flags.DEFINE_bool(
    "retry_failed", False, "train runs again that have failed; else they stay failed"
)
ACCEPT_CODE = flags.DEFINE_bool(
    "accept_code", False, "go on with a --name that was begun with other code"
)


def refuse_other_code(name: str | None, runs: Sequence[RequestedRun], store: Store) -> None:
    """Raises UserError if some runs of that name would be trained by other code, without
    --accept_code."""
    if name is None:
        if ACCEPT_CODE.value:
            raise UserError("--accept_code is of a sweep that has a --name")
        return
    before = SweepSpec.stored(store, name)
    if before is not None:
        before = before.with_plugins([str(Path(path).resolve()) for path in PLUGIN.value])
    if before is None or ACCEPT_CODE.value or before.code in ("", before.code_now()):
        return
    missing = sum(not store.path(run.id).exists() for run in unique(runs))
    if missing:
        raise UserError(
            f"'{name}' was begun with other code (research/ and plugins were {before.code} and are"
            f" {before.code_now()}), and {missing} of its runs are still to be trained: go back to"
            " that code, or go on with this by --accept_code"
        )
