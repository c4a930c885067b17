"""Trains recorded runs again and compares them, bit for bit.

Examples:
  python -m launch.verify --run=RUN
  python -m launch.verify --experiment=regularization --sample=3
  python -m launch.verify --name=rates --sample=3
"""

import random
import secrets
import sys
from collections import Counter
from collections.abc import Iterable, Iterator

from absl import flags

from launch.cli import start
from launch.cli.memory_flags import memory
from launch.cli.planner import planner
from launch.cli.records import store
from launch.cli.run_flags import with_its_plugins
from research.analysis.table_report import of_experiment
from research.analysis.verification_text import intent, location, verdict
from research.data.progress_bar import progress
from research.errors import UserError
from research.sweeps.declare import experiment_files
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.execute.ensure_records import done
from research.sweeps.execute.terminal import Terminal
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.sweeps.records.verification import Verdict, localize, lookup, run_of, trial, verify
from research.words import plural

RUN = flags.DEFINE_string(
    "run", None, "the run to verify: its id, the beginning of it, its --name or a tag"
)
STEPS = flags.DEFINE_integer(
    "steps", None, "only its first steps, to the end of their epoch", lower_bound=1
)
LOCALIZE = flags.DEFINE_bool(
    "localize", False, "if it differs, train it twice more to name the step and the array"
)
EXPERIMENT = flags.DEFINE_string("experiment", None, "verify recorded runs of this declared table")
NAME = start.define_name("name", None, "verify recorded runs of the sweep of this name")
SAMPLE = flags.DEFINE_integer(
    "sample",
    None,
    "verify this many runs of an experiment or a sweep, drawn at random; none: all",
    lower_bound=1,
)
SAMPLE_SEED = flags.DEFINE_integer(
    "sample_seed", None, "seed of --sample; none: another one each time", lower_bound=0
)

# As diff exits: 0 equal, 1 different, 2 trouble.
EXIT_DIFFERS = 1


def main() -> None:
    if sum(flag.value is not None for flag in (RUN, EXPERIMENT, NAME)) != 1:
        raise UserError(
            "give one of --run=RUN (one run), --experiment=NAME and --name=SWEEP (all their runs)"
        )
    plans, records = planner(), store()
    if RUN.value is not None:
        if SAMPLE.value is not None or SAMPLE_SEED.value is not None:
            raise UserError(
                "--sample and --sample_seed are for --experiment and --name; --run names one run"
            )
        verdicts = [_verify(lookup(records, RUN.value), plans)]
    else:
        verdicts = []
        recorded = (
            _of_sweep(NAME.value, records)
            if NAME.value
            else _of_experiment(EXPERIMENT.value or "", plans, records)
        )
        for record in (chosen := _sample(NAME.value or EXPERIMENT.value or "", recorded)):
            verdicts.append(_verify(record, plans))
            print()
        counts = Counter(verdicts)
        print(
            f"{len(chosen)} run{'s' * (len(chosen) != 1)}: "
            + ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        )
    sys.exit(EXIT_DIFFERS if "differs" in verdicts else 0)


def _of_experiment(name: str, plans: Planner, records: Store) -> list[Record]:
    """The recorded runs of an experiment. Raises UserError if there are none."""
    monitor = Terminal()
    shown = of_experiment(
        experiment_files.get(name, monitor.warn), plans, records, monitor, train=False
    )
    if not (recorded := [*shown.table.records(), *shown.searched]):
        command = f"python -m launch.table --experiment={name} --records={records.root}"
        raise UserError(f"{records.root} has no runs of '{name}'; train them: {command}")
    return recorded


def _of_sweep(name: str, records: Store) -> list[Record]:
    """The recorded runs of a named sweep. Raises UserError if there are none."""
    sweep = with_its_plugins(name, SweepSpec.load(records, name))
    if not (recorded := list(done(sweep.runs, records, Terminal().warn).values())):
        raise UserError(
            f"no run of '{name}' has a record; train them: python -m launch.sweep --name={name}"
        )
    return recorded


def _sample(name: str, records: Iterable[Record]) -> list[Record]:
    """Those of the records that are to be verified, in a random order. Raises UserError if all runs
    failed."""
    able = {record.run_id: record for record in records if record.status != "failed"}
    if not able:
        raise UserError(f"every recorded run of '{name}' failed; there is nothing to verify")
    # Printed with the sample, so that a sample that differs can be drawn again.
    seed = secrets.randbelow(2**32) if SAMPLE_SEED.value is None else SAMPLE_SEED.value
    count = min(SAMPLE.value or len(able), len(able))
    of_them = plural(len(able), "recorded run")
    print(f"{count} of the {of_them} of '{name}', drawn by --sample_seed={seed}\n")
    return [able[run_id] for run_id in random.Random(seed).sample(sorted(able), count)]


def _verify(record: Record, plans: Planner) -> Verdict:
    """Verifies a run, and prints it."""
    run = run_of(record, plans)
    streaming = memory()
    asked = trial(record, run, STEPS.value, plans.origin(run))
    arrays = plans.arrays(run)
    _print(intent(asked, STEPS.value))
    with progress(
        asked.epochs * run.program.sizes.steps_per_epoch, f"run {run.id}", "update"
    ) as bar:
        result = verify(asked, arrays, streaming, lambda step: bar.update(step - bar.n))
    _print(verdict(asked, result))
    if LOCALIZE.value and result.difference is not None:
        _print(location(asked, localize(asked, result, arrays, streaming)))
    return result.verdict


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    start.run(main, saves=False)
