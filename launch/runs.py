"""Lists and searches the runs of a records folder; tags, compares and deletes them.

Examples:
  python -m launch.runs --where=arch=mlp --where='test/accuracy>=90%' --sort=test/accuracy --top=10
  python -m launch.runs --diff=ID,ID
  python -m launch.runs --tag=ID:baseline --note='ID:the one of figure 2'
"""

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from launch.cli import start
from launch.cli.output import WHERE, emit, emit_text, view
from launch.cli.records import store
from research.analysis.listing import difference, disk_use, listing
from research.analysis.runs_table import RunsTable
from research.errors import UserError
from research.sweeps.execute.ensure_records import done
from research.sweeps.records.run_labels import labels_of, relabel
from research.sweeps.records.saved_parameters import Parameters
from research.sweeps.records.store import Store
from research.sweeps.records.verification import lookup
from research.sweeps.run_names import find_run
from research.words import plural

DIFF = flags.DEFINE_list("diff", [], "print in which settings and metrics two runs differ: RUN,RUN")
TAG = flags.DEFINE_multi_string("tag", [], "give a run a tag, or take it away: RUN:tag, RUN:-tag")
NOTE = flags.DEFINE_multi_string("note", [], "give a run a note: RUN:text")
DELETE = flags.DEFINE_list(
    "delete", [], "delete these runs and their parameters: RUN,RUN; where: those of --where"
)
HTML = start.define_output(
    "html", "write pages over all experiments, sweeps, tunings and runs into this directory"
)
YES = flags.DEFINE_bool("yes", False, "delete without asking")


def main() -> None:
    records = store()
    for given in (*TAG.value, *NOTE.value):
        if ":" not in given:
            raise UserError(f"'{given}' is not of the form RUN:text")
    if DIFF.value:
        if len(DIFF.value) != 2:
            raise UserError(f"--diff={','.join(DIFF.value)}: give two runs, RUN,RUN")
        first, second = (lookup(records, run_id) for run_id in DIFF.value)
        emit_text("\n".join(difference(first, second)))
        return
    for given in TAG.value:
        run_id, _, tag = given.partition(":")
        relabel(records, lookup(records, run_id).run_id, [tag], None)
    for given in NOTE.value:
        run_id, _, text = given.partition(":")
        relabel(records, lookup(records, run_id).run_id, [], text)
    if HTML.value is not None:
        # It plans experiments, which imports JAX.
        from launch.cli.records_site import write_site

        every = done(records.ids(), records, records.warn)
        print(f"wrote {write_site(records, [*every.values()], Path(HTML.value))}")
        return
    table = _table(records)
    if DELETE.value:
        _delete(records, _chosen(records, table))
        return
    emit(table)
    print(f"{records.root}: {disk_use(records)}", file=sys.stderr)


def _table(records: Store) -> RunsTable:
    every = done(records.ids(), records, records.warn)
    if not every:
        raise UserError(f"{records.root} has no records; name their folder with --records")
    return listing([*every.values()], labels_of(records, every), records.root)


def _chosen(records: Store, table: RunsTable) -> list[str]:
    """The runs that --delete names. Raises UserError if it names none."""
    if DELETE.value != ["where"]:
        return [find_run(records, run_id) for run_id in DELETE.value]
    if not WHERE.value:
        raise UserError("--delete=where deletes the runs of --where; give a condition")
    shown = view().apply(table)
    assert isinstance(shown, RunsTable)
    return [record.run_id for record in shown.records]


def _delete(records: Store, run_ids: Sequence[str]) -> None:
    """Deletes records, kept parameters and labels, after asking."""
    runs = plural(len(run_ids), "run")
    if not YES.value:
        # A script cannot answer a question, and must not delete without one.
        if not sys.stdin.isatty():
            raise UserError(
                f"--delete would delete {runs}: {', '.join(run_ids[:4])}, …; add --yes to confirm"
            )
        if input(f"delete {runs} in {records.root}? [y/N] ").strip().lower() not in ("y", "yes"):
            print("nothing was deleted")
            return
    for run_id in run_ids:
        _remove(records, run_id)
    print(f"deleted {runs}")


def _remove(records: Store, run_id: str) -> None:
    shutil.rmtree(Parameters(records).path(run_id), ignore_errors=True)
    (records.root / "labels" / f"{run_id}.json").unlink(missing_ok=True)
    # The record goes last: after an interruption the run is still listed and can be deleted again.
    records.forget(run_id)


def more_flags(argv: Sequence[str]) -> None:
    """Pages plan the experiments, which needs JAX and has flags of its own."""
    if any(re.match("--?html", argument) for argument in argv[1:]):
        import launch.cli.records_site  # noqa: F401


if __name__ == "__main__":
    start.run(main, more_flags, saves=False)
