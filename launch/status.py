"""Says how far sweeps are: python -m launch.status --name=rates --watch"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence

from absl import flags

from launch import start
from launch.members import of_experiment, of_sweep
from research.analysis import progress
from research.errors import UserError
from research.sweeps.status import Member, status
from research.sweeps.store import Store
from research.sweeps.sweep import Sweep, names

NAME = start.define_name("name", None, "the sweep of this name; none: every sweep, a line each")
EXPERIMENT = start.define_name("experiment", None, "a declared table")
WATCH = flags.DEFINE_bool("watch", False, "show it again every two seconds, until all is done")
HTML = start.define_name("html", None, "write a page that opens in a browser without a network into this directory")

SECONDS = 2.0


def main(arguments: Sequence[str]) -> None:
    if arguments:
        raise UserError(f"'{arguments[0]}' is not a flag; flags are written --name=value")
    if NAME.value is not None and EXPERIMENT.value is not None:
        raise UserError("give --name or --experiment, not both")
    if HTML.value is not None and NAME.value is None and EXPERIMENT.value is None:
        raise UserError("--html is of one sweep; give its --name or --experiment too")
    records = start.store()
    show = _each(records) if NAME.value is None and EXPERIMENT.value is None else _one(records)
    while True:
        lines, over = show()
        print("\033[H\033[J" * (WATCH.value and sys.stdout.isatty()) + "\n".join(lines), flush=True)
        if over or not WATCH.value:
            return
        time.sleep(SECONDS)


def _one(records: Store) -> Callable[[], tuple[Iterator[str], bool]]:
    """Shows one sweep, arm by arm, and writes its page where one is asked for."""
    title = NAME.value or EXPERIMENT.value
    plans = None if NAME.value else _planner()

    def show() -> tuple[Iterator[str], bool]:
        # Anew each time: the sweep of a name may be edited meanwhile.
        members = of_experiment(title, plans, records) if plans else of_sweep(Sweep.load(records, title))
        found = status(members, records)
        if HTML.value is not None:
            from launch import page  # plans and draws, which takes seconds to import

            page.write(HTML.value, title, NAME.value is None, found, records)
        return progress.lines(title, found), found.over

    return show


def _planner() -> Planner:
    from launch.planner import planner  # seconds

    return planner()


def _each(records: Store) -> Callable[[], tuple[Iterator[str], bool]]:
    """Shows every named sweep, a line each."""

    def show() -> tuple[Iterator[str], bool]:
        named = {name: of_sweep(Sweep.load(records, name)) for name in names(records)}
        if not named:
            raise UserError(f"no sweep has a name in {records.root}; give launch.sweep --name=NAME")
        members = [Member(one.run_id, name, one.epochs) for name, of_name in named.items() for one in of_name]
        found = status(members, records)
        return progress.lines("sweep", found), found.over

    return show


if __name__ == "__main__":
    start.run(main)
