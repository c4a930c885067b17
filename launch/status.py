"""Says how far sweeps are: runs finished, running, queued, diverged and failed.

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

from launch import start
from launch.members import of_sweep
from launch.records import store
from research.analysis import progress
from research.errors import UserError
from research.sweeps.slurm import cluster
from research.sweeps.slurm.folder import Folder, place_of
from research.sweeps.status import Member, Status, status
from research.sweeps.store import Store
from research.sweeps.sweep import Sweep, names

NAME = start.define_name("name", None, "the sweep of this name; none: every sweep, a line each")
EXPERIMENT = start.define_name("experiment", None, "a declared table")
WATCH = flags.DEFINE_bool("watch", False, "show it again every two seconds, until all is done")
HTML = start.define_output("html", "write a page that opens in a browser without a network into this directory")

SECONDS = 2.0


def main(arguments: Sequence[str]) -> None:
    if arguments:
        raise UserError(f"'{arguments[0]}' is not a flag; flags are written --name=value")
    if NAME.value is not None and EXPERIMENT.value is not None:
        raise UserError("give --name or --experiment, not both")
    if HTML.value is not None and NAME.value is None and EXPERIMENT.value is None:
        raise UserError("--html is of one sweep; give its --name or --experiment too")
    records = store()
    if (shown := _tunings(records)) is not None:
        print("\n".join(shown))
        return
    while True:
        title, found = _found(records)
        clear = "\033[H\033[J" if WATCH.value and sys.stdout.isatty() else ""
        print(clear + "\n".join((*progress.lines(title, found), *_tasks(records))), flush=True)
        if found.over or not WATCH.value:
            return
        time.sleep(SECONDS)


def _found(records: Store) -> tuple[str, Status]:
    """(what the status is of, the status); writes the page where one is asked for."""
    if EXPERIMENT.value is None and NAME.value is None:
        return "sweep", status(list(_every(records)), records)
    if EXPERIMENT.value is None and HTML.value is None:
        return NAME.value, status(of_sweep(Sweep.load(records, NAME.value)), records)
    from launch import page
    from research.sweeps import declared

    if NAME.value is not None:
        return NAME.value, page.look(NAME.value, Sweep.load(records, NAME.value), records, HTML.value)
    return EXPERIMENT.value, page.look(
        EXPERIMENT.value, declared.get(EXPERIMENT.value, records.warn), records, HTML.value
    )


def _tunings(records: Store) -> list[str] | None:
    """How far the tuning of that name is; None if the flags name none. Without a name and a sweep: every tuning."""
    others = EXPERIMENT.value is not None or HTML.value is not None or WATCH.value
    if others or not (records.root / "tunings").is_dir():
        return None
    from research.sweeps import study  # it needs Optuna, which takes half a second

    tuned, swept = study.names(records), names(records)
    if NAME.value is not None:
        return list(study.lines(records, NAME.value)) if NAME.value in tuned and NAME.value not in swept else None
    return [line for name in tuned for line in study.lines(records, name)] if tuned and not swept else None


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
            yield "Slurm's tasks: " + (", ".join(f"{n} {state}" for state, n in states.items()) or "all are over")


def _every(records: Store) -> Iterator[Member]:
    """The runs of every sweep that has a name, which is their row."""
    known = names(records)
    if not known:
        raise UserError(f"no sweep in {records.root} has a name; launch.sweep --name=NAME gives one")
    read = False
    for name in known:
        try:
            sweep = Sweep.load(records, name)
        except UserError as error:  # one that is damaged hides no other
            records.warn(str(error))
        else:
            read = True
            yield from (Member(one.run_id, name, one.epochs) for one in of_sweep(sweep))
    if not read:
        raise UserError(f"no sweep in {records.root} can be read")


def more_flags(argv: Sequence[str]) -> None:
    """What plans needs JAX and has flags of its own; a look at names alone does without, and begins at once."""
    if any(re.match("--?(experiment|html)", argument) for argument in argv[1:]):
        import launch.page  # noqa: F401


if __name__ == "__main__":
    start.run(main, more_flags)
