"""Trains recorded runs again and compares them, bit for bit.

Examples:
  python -m launch.verify --run=ID
  python -m launch.verify --experiment=regularization --sample=3
"""

import random
import secrets
import sys
from collections import Counter
from collections.abc import Iterator, Sequence

from absl import flags

from launch import start
from launch.memory import memory
from launch.planner import planner
from launch.records import store
from research.analysis.tables import of_experiment
from research.analysis.verdict import intent, location, verdict
from research.data.progress import progress
from research.errors import UserError
from research.sweeps import declared
from research.sweeps.monitor import Terminal
from research.sweeps.plan import Planner
from research.sweeps.record import Record
from research.sweeps.store import Store
from research.sweeps.verification import Verdict, localize, lookup, run_of, trial, verify

RUN = flags.DEFINE_string("run", None, "the run to verify: its id, or the beginning of it")
STEPS = flags.DEFINE_integer("steps", None, "only its first steps, to the end of their epoch", lower_bound=1)
LOCALIZE = flags.DEFINE_bool("localize", False, "where it differs, train it twice more to name the step and the array")
EXPERIMENT = flags.DEFINE_string("experiment", None, "verify recorded runs of this declared table")
SAMPLE = flags.DEFINE_integer(
    "sample", None, "of an experiment: so many runs, drawn at random; none: all", lower_bound=1
)
SAMPLE_SEED = flags.DEFINE_integer("sample_seed", None, "draws the sample; none: another each time", lower_bound=0)

EXIT_DIFFERS = 1


def main(arguments: Sequence[str]) -> None:
    if arguments:
        raise UserError(f"'{arguments[0]}' is not a flag; flags are written --name=value")
    if (RUN.value is None) == (EXPERIMENT.value is None):
        raise UserError("give either --run=ID (one recorded run) or --experiment=NAME (those of a declared table)")
    plans, records = planner(), store()
    if RUN.value is not None:
        if SAMPLE.value is not None or SAMPLE_SEED.value is not None:
            raise UserError("--sample and --sample_seed are for --experiment; --run names one run")
        verdicts = [_verify(lookup(records, RUN.value), plans)]
    else:
        verdicts = []
        for record in (chosen := _sample(EXPERIMENT.value or "", plans, records)):
            verdicts.append(_verify(record, plans))
            print()
        counts = Counter(verdicts)
        print(
            f"{len(chosen)} run{'s' * (len(chosen) != 1)}: "
            + ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        )
    sys.exit(EXIT_DIFFERS if "differs" in verdicts else 0)


def _sample(name: str, plans: Planner, records: Store) -> list[Record]:
    """The recorded runs of an experiment that are to be verified, in a random order. Raises UserError on none."""
    monitor = Terminal()
    shown = of_experiment(declared.get(name, monitor.warn), plans, records, monitor, train=False)
    found = {record.run_id: record for record in [*shown.table.records(), *shown.searched]}
    able = sorted(run_id for run_id, record in found.items() if record.status != "failed")
    if not able:
        command = f"python -m launch.table --experiment={name} --records={records.root}"
        raise UserError(f"{records.root} has no runs of '{name}'; train them: {command}")
    seed = secrets.randbelow(2**32) if SAMPLE_SEED.value is None else SAMPLE_SEED.value
    count = min(SAMPLE.value or len(able), len(able))
    print(
        f"{count} of the {len(able)} recorded run{'s' * (len(able) != 1)} of '{name}', drawn by --sample_seed={seed}\n"
    )
    return [found[run_id] for run_id in random.Random(seed).sample(able, count)]


def _verify(record: Record, plans: Planner) -> Verdict:
    """Verifies a run, and prints it."""
    run, kept = run_of(record, plans), memory()
    asked, arrays = trial(record, run, STEPS.value, plans.origin(run)), plans.arrays(run)
    _print(intent(asked, STEPS.value))
    with progress(asked.epochs * run.program.sizes.steps_per_epoch, f"run {run.id}", "update") as bar:
        found = verify(asked, arrays, kept, lambda step: bar.update(step - bar.n))
    _print(verdict(asked, found))
    if LOCALIZE.value and found.difference is not None:
        _print(location(asked, localize(asked, found, arrays, kept)))
    return found.verdict


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    start.run(main, saves=False)
