"""Recorded runs that launch.verify trains again: which they are, and what it prints of each."""

import dataclasses
import random
import secrets
from collections.abc import Iterable, Iterator, Sequence

from tqdm import tqdm

from launch.cli.memory_flags import memory
from launch.cli.run_flags import with_its_plugins
from launch.cli.verify_flags import LOCALIZE, SAMPLE, SAMPLE_SEED, STEPS
from research.analysis.experiment_report import of_experiment as table_of
from research.analysis.verification_text import intent, location, verdict
from research.data.progress_bar import progress
from research.errors import UserError
from research.sweeps.declare import experiment_files
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.ensembles.ensemble_record import combined
from research.sweeps.ensembles.new_rows import members_of
from research.sweeps.execute.ensure_records import done
from research.sweeps.execute.terminal import Terminal
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.predictions import Predictions, differing_rows
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.sweeps.records.verification import (
    WORSE,
    Verdict,
    localize,
    lookup,
    run_of,
    trial,
    verify,
)
from research.training.engine.pack_observer import Boundary, PackObserver
from research.words import plural


def of_experiment(name: str, plans: Planner, records: Store) -> list[Record]:
    """The recorded runs of an experiment.

    Args:
        name: the experiment's.
        plans: plans its runs.
        records: the store.

    Raises:
        UserError: there are none.
    """
    monitor = Terminal()
    shown = table_of(experiment_files.get(name, monitor.warn), plans, records, monitor, train=False)
    if not (recorded := [*shown.table.records(), *shown.searched]):
        command = f"python -m launch.table --experiment={name} --records={records.root}"
        raise UserError(f"{records.root} has no runs of '{name}'; train them: {command}")
    return recorded


def of_sweep(name: str, records: Store) -> list[Record]:
    """The recorded runs of a named sweep. Raises UserError if there are none."""
    sweep = with_its_plugins(name, SweepSpec.load(records, name))
    if not (recorded := list(done(sweep.runs, records, Terminal().warn).values())):
        raise UserError(
            f"no run of '{name}' has a record; train them: python -m launch.sweep --name={name}"
        )
    return recorded


def sample(name: str, records: Iterable[Record]) -> list[Record]:
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


@dataclasses.dataclass(frozen=True)
class _Steps(PackObserver):
    """Shows the updates done."""

    bar: tqdm

    def at_boundary(self, boundary: Boundary) -> None:
        self.bar.update(boundary.step - self.bar.n)


@dataclasses.dataclass(frozen=True)
class Verifier:
    """Verifies recorded runs and ensembles, each once, and prints what it sees.

    plans: plans the runs again. records: the records folder. known: the verdict of each run.
    """

    plans: Planner
    records: Store
    known: dict[str, Verdict] = dataclasses.field(default_factory=dict)

    def verify(self, record: Record) -> Verdict:
        """The verdict on a run, or the worst one on the members of an ensemble."""
        if record.run_id not in self.known:
            of_record = self._ensemble if members_of(record) else self._run
            self.known[record.run_id] = of_record(record)
        return self.known[record.run_id]

    def _run(self, record: Record) -> Verdict:
        return _verified(record, self.plans, self.records)

    def _ensemble(self, record: Record) -> Verdict:
        """The members are trained again, and what they kept is combined again."""
        members = [lookup(self.records, run_id) for run_id in members_of(record)]
        name = f"ensemble {record.run_id}, {record.config['ensemble']}"
        print(f"{name}: its {plural(len(members), 'member')} first", flush=True)
        verdicts = {self.verify(member) for member in members}
        if record.status == "finished":
            differing = list(self._differing(record, members))
            same = "its predictions and metrics are combined of theirs, bit for bit"
            verdict: Verdict = "differs" if differing else "identical"
            verdicts.add(verdict)
            print(f"{name}: {verdict}: {' and '.join(differing) or same}", flush=True)
        return max(verdicts, key=WORSE.index)

    def _differing(self, record: Record, members: Sequence[Record]) -> Iterator[str]:
        """What is not as recorded where the predictions of members are combined again."""
        predictions = Predictions(self.records)
        classes = run_of(members[0], self.plans).program.spec.targets.of_classes
        together, metrics = combined(record, members, predictions, classes)
        again = {name: value for name, value in metrics.items() if name in record.metrics}
        for name, value in again.items():
            if repr(value) != repr(record.metrics[name]):
                yield f"{name} is recorded as {record.metrics[name]!r}, and is {value!r} here"
        stored = predictions.load(record.run_id)
        for part, count in differing_rows(stored, together).items():
            yield f"kept predictions of {count} {part} rows differ"


def _verified(record: Record, plans: Planner, records: Store) -> Verdict:
    """Verifies a run, and what it kept of its predictions, and prints it."""
    run = run_of(record, plans)
    predictions = Predictions(records)
    # Read first: damaged ones are named before anything is trained.
    stored = predictions.load(run.id) if predictions.has(run.id) else None
    streaming = memory()
    earlier = predictions.earlier(run.config, run.program.spec.fingerprint)
    asked = trial(record, run, STEPS.value, plans.origin(run), earlier)
    arrays = plans.arrays(run)
    _print(intent(asked, STEPS.value))
    with progress(
        asked.epochs * run.program.sizes.steps_per_epoch, f"run {run.id}", "update"
    ) as bar:
        result = verify(asked, arrays, streaming, _Steps(bar), stored is not None)
    _print(verdict(asked, result))
    if LOCALIZE.value and result.difference is not None and not run.program.fitted:
        _print(location(asked, localize(asked, result, arrays, streaming)))
    if stored is None or not asked.whole or result.verdict != "identical":
        return result.verdict
    differing = differing_rows(stored, result.outcome.predictions)
    where = " and ".join(f"{count} {part} rows" for part, count in differing.items())
    print(f"kept predictions: {f'{where} differ' if differing else 'identical'}", flush=True)
    return "differs" if differing else result.verdict


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        print(line, flush=True)
