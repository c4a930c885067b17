"""Shows the progress of sweeps: runs finished, running, queued, diverged and failed.

Examples:
  python -m launch.status --name=rates --watch
  python -m launch.status --experiment=regularization --html=page
"""

import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from absl import flags

from launch.cli import start
from launch.cli.records import store
from launch.cli.sweep_rows import of_sweep
from research.analysis import progress
from research.errors import UserError
from research.sweeps.coordinate.sweep_status import Status, SweepMember, claimed, clock, status
from research.sweeps.declare.sweep_spec import SweepSpec, is_tuning, names
from research.sweeps.records.store import Store
from research.sweeps.slurm import cluster
from research.sweeps.slurm.folder import Folder, place_of

NAME = start.define_name("name", None, "the sweep of this name; none: every sweep, a line each")
EXPERIMENT = start.define_name("experiment", None, "a declared table")
WATCH = flags.DEFINE_bool(
    "watch", False, "print it again every two seconds until all runs are done"
)
HTML = start.define_output("html", "write an HTML page that needs no network into this directory")

SECONDS = 2.0


def main() -> None:
    if NAME.value is not None and EXPERIMENT.value is not None:
        raise UserError("give --name or --experiment, not both")
    if HTML.value is not None and NAME.value is None and EXPERIMENT.value is None:
        raise UserError("--html requires --name or --experiment: it writes the page of one sweep")
    records = store()
    tuned = NAME.value is not None and is_tuning(records, NAME.value)
    if tuned and HTML.value is not None:
        shown = f"launch.table --name={NAME.value} --format=html --out=trials.html"
        raise UserError(
            f"'{NAME.value}' is a tuning, and --html is for sweeps; {shown} writes a page of its"
            " trials"
        )
    while True:
        lines, over = _tuning(records, NAME.value) if tuned else _sweeps(records)
        clear = "\033[H\033[J" if WATCH.value and sys.stdout.isatty() else ""
        print(clear + "\n".join(lines), flush=True)
        if over or not WATCH.value:
            return
        time.sleep(SECONDS)


def _tuning(records: Store, name: str) -> tuple[list[str], bool]:
    """(how far the tuning is, whether nobody tunes it now)."""
    # It needs Optuna, which takes half a second.
    from research.sweeps.tuning import journal

    return list(journal.lines(records, name)), journal.claim_of(name) not in claimed(
        records.root, clock(records.root)
    )


def _sweeps(records: Store) -> tuple[list[str], bool]:
    """(how far the sweeps or the experiment are, whether all is done); without a name the tunings
    too."""
    unnamed = NAME.value is None and EXPERIMENT.value is None
    tunings = list(_tunings(records)) if unnamed else []
    if unnamed and not names(records) and any(records.root.glob("tunings/*.journal")):
        if not tunings:
            raise UserError(f"no tuning in {records.root} can be read")
        return tunings, True
    title, current = _status(records)
    return [*progress.lines(title, current), *_tasks(records), *tunings], current.over


def _tunings(records: Store) -> Iterator[str]:
    """A line for each tuning; one whose journal is damaged hides no other."""
    if (records.root / "tunings").is_dir():
        from research.sweeps.tuning import journal

        for name in journal.names(records):
            try:
                yield from journal.lines(records, name)
            except UserError as error:
                records.warn(str(error))


def _status(records: Store) -> tuple[str, Status]:
    """(what the status is of, the status); writes the page where one is asked for."""
    if EXPERIMENT.value is None and NAME.value is None:
        return "sweep", status(list(_every(records)), records)
    if EXPERIMENT.value is None and HTML.value is None:
        return NAME.value, status(of_sweep(SweepSpec.load(records, NAME.value)), records)
    from launch.cli import html_report
    from research.sweeps.declare import experiment_files

    if NAME.value is not None:
        return NAME.value, html_report.look(
            NAME.value, SweepSpec.load(records, NAME.value), records, HTML.value
        )
    return EXPERIMENT.value, html_report.look(
        EXPERIMENT.value, experiment_files.get(EXPERIMENT.value, records.warn), records, HTML.value
    )


def _tasks(records: Store) -> Iterator[str]:
    """What Slurm has of the tasks of the sweep or experiment, where they were sent there."""
    if NAME.value is None and EXPERIMENT.value is None:
        return
    place = f"sweeps/{NAME.value}" if NAME.value else f"experiments/{EXPERIMENT.value}"
    jobs = [job.id for job in Folder(place_of(records.root, place)).jobs()]
    if jobs:
        try:
            states = Counter(str(task) for task in cluster.tasks(jobs))
        except cluster.Refused as error:
            yield f"Slurm's tasks: {error}"
        else:
            yield "Slurm's tasks: " + (
                ", ".join(f"{n} {state}" for state, n in states.items()) or "all are over"
            )


def _every(records: Store) -> Iterator[SweepMember]:
    """The runs of every sweep that has a name, which is their row."""
    known = names(records)
    if not known:
        raise UserError(
            f"no sweep in {records.root} has a name; launch.sweep --name=NAME gives one"
        )
    read = False
    for name in known:
        try:
            sweep = SweepSpec.load(records, name)
        except UserError as error:
            # A damaged sweep must not hide the others.
            records.warn(str(error))
        else:
            read = True
            yield from (SweepMember(one.run_id, name, one.epochs) for one in of_sweep(sweep))
    if not read:
        raise UserError(f"no sweep in {records.root} can be read")


def more_flags(argv: Sequence[str]) -> None:
    """Imports what plans experiments only where it is needed.

    Planning imports JAX, which takes seconds; the status of named sweeps is read from files.
    """
    if any(re.match("--?(experiment|html)", argument) for argument in argv[1:]):
        import launch.cli.html_report  # noqa: F401


if __name__ == "__main__":
    start.run(main, more_flags)
