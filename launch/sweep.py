"""Trains a sweep: python -m launch.sweep --grid='learning_rate=0.01|0.1|1' --seeds=5 --name=rates"""

from collections.abc import Sequence

from launch import start
from launch.flags import define_run_flags, define_sweep_flags, execution, sweep_of_flags
from launch.monitor import Terminal
from launch.named import change
from launch.output import put
from launch.planner import planner
from launch.records import store
from launch.tables import of_sweep
from research.errors import UserError
from research.sweeps.obtain import obtain

NAME = start.define_name("name", None, "keep the sweep under this name, for launch.table --name")


def main(arguments: Sequence[str]) -> None:
    if arguments:
        raise UserError(f"'{arguments[0]}' is not a flag; flags are written --name=value")
    sweep = sweep_of_flags()
    plans, monitor, how = planner(), Terminal(), execution()
    records = store(monitor.warn)
    runs = plans.runs(sweep.requests)
    if NAME.value:
        if changed := change(NAME.value, sweep, runs, records, plans):
            monitor.warn(changed)
        sweep.save(records, NAME.value, runs)
    found = obtain(runs, records, plans, monitor, execution=how)
    put(of_sweep(NAME.value or "sweep", sweep, runs, found))


def more_flags(argv: Sequence[str]) -> None:
    define_run_flags(argv)
    define_sweep_flags()


if __name__ == "__main__":
    start.run(main, more_flags)
