"""Says what a sweep or an experiment would train: python -m launch.plan --grid='learning_rate=0.01|0.1' --seeds=10"""

from collections.abc import Mapping, Sequence

from launch import declared, start
from launch.flags import define_run_flags, define_sweep_flags, store, sweep_of_flags
from launch.monitor import Terminal
from launch.named import change
from launch.planner import planner
from research.errors import UserError
from research.sweeps import choice
from research.sweeps.experiment import Experiment
from research.sweeps.plan import Pack, Planner, Run, packs, unique
from research.sweeps.provenance import device_kind
from research.sweeps.record import Record
from research.sweeps.store import Store
from research.sweeps.sweep import done
from research.training.inputs import footprint
from research.training.program import describe_slots

EXPERIMENT = start.define_name("experiment", None, "plan a declared table")
NAME = start.define_name("name", None, "say what would change in the sweep that has this name")


def main(arguments: Sequence[str]) -> None:
    if arguments:
        raise UserError(f"'{arguments[0]}' is not a flag; flags are written --name=value")
    plans, monitor = planner(), Terminal()
    records = store(monitor.warn)
    note = ""
    if EXPERIMENT.value is None:
        sweep = sweep_of_flags()
        runs = plans.runs(sweep.requests)
        note = change(NAME.value, sweep, runs, records, plans) if NAME.value else ""
    elif NAME.value:
        raise UserError("--name is for a sweep; leave out --experiment or --name")
    else:
        runs, note = _runs(declared.get(EXPERIMENT.value, monitor.warn), plans)
    runs = unique(runs)
    finished = done(runs, records, monitor.warn)
    missing = [run for run in runs if run.id not in finished]
    programs = len(packs(runs))
    failures = sum(record.status == "failed" for record in finished.values())
    failed = f" ({failures} of them failed; --retry_failed tries these again)" if failures else ""
    print(
        f"{len(runs)} run{'s' * (len(runs) != 1)} in {programs} program{'s' * (programs != 1)}; "
        f"{len(finished)} done{failed}, {len(missing)} to train"
    )
    if note:
        print(note)
    times = [_print_pack(pack, finished, records, plans) for pack in packs(runs)]
    known = [seconds for seconds in times if seconds is not None]
    total = _duration(sum(known)) if len(known) == len(times) else "unknown"
    print(f"\ntime for what is missing, one pack after another: {total}")


def _runs(experiment: Experiment, plans: Planner) -> tuple[list[Run], str]:
    """The runs of an experiment that are known before it starts, and a line about the others."""
    if experiment.choose is None:
        requests = choice.requests(experiment, experiment.seeds, {})
        return [run for of_arm in requests.values() for run in plans.runs(of_arm)], ""
    asked = choice.candidates(experiment)
    runs = [run for of_arm in asked.values() for of_value in of_arm for run in plans.runs(of_value)]
    fresh = len(experiment.arms) * experiment.seeds
    seeds = f"{experiment.seeds} fresh seed{'s' * (experiment.seeds != 1)}"
    note = f"these choose {experiment.choose.path}; {fresh} run{'s' * (fresh != 1)} follow, on {seeds} a row"
    return runs, note


def _print_pack(pack: Pack, finished: Mapping[str, Record], records: Store, plans: Planner) -> float | None:
    """Prints a program; returns the seconds that its missing runs will take, or None."""
    first = pack.runs[0].config
    missing = sum(run.id not in finished for run in pack.runs)
    parameters, state = footprint(first, pack.program)
    data = sum(array.nbytes for array in plans.arrays(pack.runs[0])[:2])
    seconds = _seconds(pack, records)
    sizes = pack.program.sizes
    print(f"\nprogram {pack.program.id}: {first.arch.name} on {pack.program.spec.name}, {first.optimizer.name}")
    print(f"  lanes       {len(pack.runs)}, {missing} to train")
    print(f"  rows        {sizes.train} train, {sizes.validation} validation, {sizes.test} test")
    print(f"  steps       {pack.program.steps:,} of {sizes.batch} examples each")
    print(f"  parameters  {parameters:,}")
    print(f"  memory      {_bytes(state * len(pack.runs))} of state, {_bytes(data)} of data")
    print(f"  time        {'unknown' if seconds is None else _duration(seconds * missing)}")
    for slot, members in describe_slots(first):
        print(f"  {slot:<14}{members}")
    return None if seconds is None and missing else (seconds or 0.0) * missing


def _seconds(pack: Pack, records: Store) -> float | None:
    """Seconds a run of this program takes on this kind of device, from what its way's timing or records say."""
    for kind in ("many", "one"):
        way = records.read_json("ways", f"{pack.program.id}.{device_kind()}.{kind}")
        if way and way["seconds_per_lane_step"]:
            return min(way["seconds_per_lane_step"].values()) * pack.program.steps
    found, _ = records.find(run.id for run in pack.runs)
    seconds = [r.provenance["seconds"] for r in found.values() if r.provenance.get("device") == device_kind()]
    return sum(seconds) / len(seconds) if seconds else None


def _bytes(count: float) -> str:
    return f"{count / 2**20:.1f} MiB" if count < 2**30 else f"{count / 2**30:.1f} GiB"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def more_flags(argv: Sequence[str]) -> None:
    define_run_flags(argv)
    define_sweep_flags()


if __name__ == "__main__":
    start.run(main, more_flags)
