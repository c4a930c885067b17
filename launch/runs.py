"""Lists and searches the runs of a records folder; tags, compares and deletes them.

Examples:
  python -m launch.runs --where=arch=mlp --where='test/accuracy>=90%' --sort=test/accuracy --top=10
  python -m launch.runs --diff=ID,ID
  python -m launch.runs --tag=ID:baseline --note='ID:the one of figure 2'
"""

from pathlib import Path

from launch.cli import start
from launch.cli.deletion import delete
from launch.cli.labelling import label
from launch.cli.output import WHERE, emit, emit_text, view
from launch.cli.records import store
from launch.cli.runs_flags import DELETE, DIFF, HTML, NOTE, TAG, YES, more_flags
from research import messages
from research.analysis.listing import difference, disk_use, listing
from research.errors import UserError
from research.sweeps.execute.ensure_records import done
from research.sweeps.records.run_labels import labels_of
from research.sweeps.records.verification import lookup
from research.sweeps.run_names import find_run


def main() -> None:
    records = store()
    if len(DIFF.value) not in (0, 2):
        raise UserError(f"--diff={','.join(DIFF.value)}: give two runs, RUN,RUN")
    label(records, TAG.value, NOTE.value)
    if DIFF.value:
        emit_text("\n".join(difference(*(lookup(records, run_id) for run_id in DIFF.value))))
        return
    every = done(records.ids(), records, records.warn)
    if HTML.value is not None:
        # It plans experiments, which imports JAX.
        from launch.cli.records_site import write_site

        print(f"wrote {write_site(records, [*every.values()], Path(HTML.value))}")
        return
    if not every:
        raise UserError(f"{records.root} has no records; name their folder with --records")
    table = listing([*every.values()], labels_of(records, every), records.root)
    if not DELETE.value:
        emit(table)
        messages.say(f"{records.root}: {disk_use(records)}")
        return
    if DELETE.value == ["where"] and not WHERE.value:
        raise UserError("--delete=where deletes the runs of --where; give a condition")
    shown = view().apply(table).rows if DELETE.value == ["where"] else ()
    named = (find_run(records, run_id) for run_id in DELETE.value if not shown)
    delete(records, [*(record.run_id for record in shown), *named], YES.value)


if __name__ == "__main__":
    start.run(main, more_flags, saves=False)
