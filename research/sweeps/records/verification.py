"""Verification: a recorded run is trained again, by its recorded strategy, and compared with its
record."""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import jax

from research.data.spec import Arrays
from research.errors import Unknown, UserError
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.provenance import machine, strategy_of
from research.sweeps.records.record import Record
from research.sweeps.records.store import Damaged, Store
from research.sweeps.run_names import find_run
from research.training.boosting.earlier_runs import Kept
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import first_difference, loop
from research.training.engine.chunk import ALL_ON_DEVICE, PackSetup, StreamingPolicy
from research.training.engine.first_difference import Divergence
from research.training.engine.outcomes import Outcome
from research.training.engine.pack_observer import NOBODY, PackObserver
from research.training.setup.warm_start import InitialWeights

Verdict = Literal["identical", "equal to rounding", "differs"]
WORSE: Sequence[Verdict] = ("identical", "equal to rounding", "differs")  # each than those before

# Packages whose version may change the bits of a training; changes of the others are only reported.
COMPUTING = ("jax", "jaxlib", "flax", "optax", "numpy")
# Where bits cannot be expected, the first epoch's training loss agrees to this, relative.
TOLERANCE = {"float64": 1e-9, "float32": 1e-5, "tf32": 1e-3, "bfloat16": 1e-2}
LOSS = "train/loss"


@dataclasses.dataclass(frozen=True)
class EnvironmentChange:
    """Something that is not here as it was where the record was made. exact: bits repeat in spite
    of it."""

    what: str
    there: str
    here: str
    exact: bool


@dataclasses.dataclass(frozen=True)
class Difference:
    """Where a training parts from its record.

    epoch: the first that differs, from 1; None: all agree, and what differs is the end or a final
        metric. relative: the largest relative difference of that epoch's curves, or of the final
        metrics, and where: its name; 0 and "" if these agree and the parameters alone do not. end:
        how both ended, if that is what differs.
    """

    epoch: int | None
    relative: float = 0.0
    where: str = ""
    end: tuple[str, str] | None = None


@dataclasses.dataclass(frozen=True)
class Rerun:
    """How a recorded run is to be trained again.

    strategy: the recorded one, over fewer devices where there are not so many. epochs: that are
        trained and compared;
    whole: with the run's end and its final metrics. changes: what is not here as it was recorded.
        origin: where the run starts from, if it has `init_from`. earlier: what the runs kept that
        it learns from, if it is boosted.
    """

    record: Record
    run: PlannedRun
    strategy: ExecutionStrategy
    epochs: int
    whole: bool
    changes: tuple[EnvironmentChange, ...]
    origin: InitialWeights | None = None
    earlier: Sequence[Kept] = ()

    @property
    def exact(self) -> bool:
        """Whether bits must repeat."""
        return all(change.exact for change in self.changes)

    @property
    def tolerance(self) -> float:
        """To which the first epoch's training loss must agree where bits need not repeat,
        relative."""
        return TOLERANCE[self.run.config.precision]


@dataclasses.dataclass(frozen=True)
class Verification:
    """What came of a trial.

    loss: the first epoch's, of the record and here; None if it has no whole epoch. unshared: curves
        and metrics that only one of the two has. outcome: the run's outcome here.
    """

    verdict: Verdict
    difference: Difference | None
    loss: tuple[float, float] | None
    unshared: tuple[str, ...]
    outcome: Outcome


@dataclasses.dataclass(frozen=True)
class Localization:
    """What two more trainings, side by side, say of a difference.

    parting: where they part. repeats: whether their checksums equal those of the first training.
    """

    parting: Divergence | None
    repeats: bool


def lookup(store: Store, text: str) -> Record:
    """The record of the run that `text` means, as `find_run` takes it. Raises UserError if there is
    none."""
    run_id = find_run(store, text)
    try:
        record = store.read(run_id)
    except Damaged as damaged:
        then = "" if damaged.stays else "; the command that trained the run trains it again"
        raise UserError(f"{damaged}{then}") from None
    if record is None:
        raise UserError(f"the record of run {run_id} was removed just now")
    return record


def run_of(record: Record, planner: Planner) -> PlannedRun:
    """The run that a record is of. Raises UserError if that cannot be trained again, or is not the
    same run now."""
    if record.status == "failed":
        last = record.cause or "it does not say why"
        raise UserError(f"run {record.run_id} failed ({last}); it has nothing to verify")
    try:
        (run,) = planner.runs([record.config])
    except Unknown as error:
        raise UserError(
            f"run {record.run_id} needs its --plugin=FILE if a part of it is your own: {error}"
        ) from None
    if run.id != record.run_id:
        raise UserError(
            f"the config of run {record.run_id} is run {run.id} here: its data, or the"
            " version of a method that it uses, has changed since it was recorded"
        )
    return run


def trial(
    record: Record,
    run: PlannedRun,
    steps: int | None = None,
    origin: InitialWeights | None = None,
    earlier: Sequence[Kept] = (),
) -> Rerun:
    """How to train a recorded run again.

    Args:
        record: its record.
        run: its plan.
        steps: how many updates to compare, rounded up to whole epochs; None: all.
        origin: the weights that it starts from, if it has `init_from`.
        earlier: what the runs kept that it learns from, if it is boosted.

    Raises:
        UserError: the record does not say how the run was trained.
    """
    recorded = _recorded_strategy(record)
    per_epoch = run.program.sizes.steps_per_epoch
    strategy = dataclasses.replace(recorded, replicas=min(recorded.replicas, jax.device_count()))
    epochs = run.program.config.epochs if steps is None else -(-steps // per_epoch)
    whole = epochs * per_epoch >= record.steps
    changed = changes(record.provenance, machine() | {"replicas": strategy.replicas})
    return Rerun(
        record,
        run,
        strategy,
        len(record.checksums) if whole else epochs,
        whole,
        tuple(changed),
        origin,
        earlier,
    )


def verify(
    trial: Rerun,
    arrays: Arrays,
    memory: StreamingPolicy = ALL_ON_DEVICE,
    observer: PackObserver = NOBODY,
    keep_predictions: bool = False,
) -> Verification:
    """Trains a recorded run again and compares it with its record.

    Args:
        trial: how to train it.
        arrays: its data.
        memory: what of the data stays on the device.
        observer: follows the training.
        keep_predictions: whether the outcome holds scores, to compare with kept ones.

    Returns:
        The verdict and what it rests on.
    """
    record, run = trial.record, trial.run
    epochs = None if trial.whole else trial.epochs
    (outcome,) = loop.train(
        run.program,
        [run.config],
        arrays,
        trial.strategy,
        dataclasses.replace(_setup(trial, memory), keep_predictions=keep_predictions),
        observer,
        epochs,
    )
    difference = _difference(trial, outcome)
    losses = [curves.get(LOSS, [])[:1] for curves in (record.curves, outcome.curves)]
    loss = (losses[0][0], losses[1][0]) if all(losses) else None
    verdict: Verdict = "differs"
    if difference is None:
        verdict = "identical"
    elif not trial.exact and loss is not None and relative(*loss) <= trial.tolerance:
        verdict = "equal to rounding"
    names = [{*side.curves, *(side.metrics if trial.whole else ())} for side in (record, outcome)]
    return Verification(verdict, difference, loss, tuple(sorted(names[0] ^ names[1])), outcome)


def localize(
    trial: Rerun,
    verification: Verification,
    arrays: Arrays,
    memory: StreamingPolicy = ALL_ON_DEVICE,
) -> Localization:
    """Trains the run twice more, one update at a time, to see where two trainings part.

    Args:
        trial: how to train it.
        verification: what the first training gave.
        arrays: its data.
        memory: what of the data stays on the device.
    """
    run = trial.run
    epochs = run.program.config.epochs if trial.whole else trial.epochs
    parting, outcome = first_difference.train_twice(
        run.program, run.config, arrays, trial.strategy, epochs, _setup(trial, memory)
    )
    return Localization(
        parting, outcome is not None and outcome.checksums == verification.outcome.checksums
    )


def _setup(trial: Rerun, memory: StreamingPolicy) -> PackSetup:
    """What the run starts from."""
    return PackSetup(memory=memory, origins=[trial.origin], earlier=[trial.earlier])


def changes(there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[EnvironmentChange]:
    """What differs between two provenances: first what bits depend on, then what they should
    not."""
    compared = []
    for key, what, default in (
        ("device", "device", None),
        ("platform", "platform", None),
        ("replicas", "devices that share the run", 1),
    ):
        compared.append((what, there.get(key, default), here.get(key), False))
    versions = there.get("versions", {})
    for package, version in sorted(versions.items(), key=lambda item: item[0] not in COMPUTING):
        compared.append((package, version, here["versions"].get(package), package not in COMPUTING))
    compared += [(key, there.get(key), here.get(key), True) for key in ("host", "cores", "commit")]
    if there.get("earlier"):
        compared.insert(
            0, ("way of the first steps", "; then ".join(there["earlier"]), there.get("way"), False)
        )
    for what, before, now, exact in compared:
        if before is not None and before != now:
            yield EnvironmentChange(
                what, str(before), "missing" if now is None else str(now), exact
            )


def relative(a: float, b: float) -> float:
    """|a − b| over the greater of the two; 0 if they are the same bits, NaN included; infinite if
    one is not finite."""
    if repr(a) == repr(b):
        return 0.0
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.inf
    # The smallest float keeps 0.0 beside -0.0 from a division by zero.
    return abs(a - b) / max(abs(a), abs(b), math.ulp(0.0))


def _recorded_strategy(record: Record) -> ExecutionStrategy:
    """The strategy with which a record's run was trained. Raises UserError if it does not say."""
    try:
        return strategy_of(record.provenance)
    except KeyError as missing:
        raise UserError(
            f"the record of run {record.run_id} does not say its {missing.args[0]}"
        ) from None


def _difference(trial: Rerun, outcome: Outcome) -> Difference | None:
    """The first difference within the trial's epochs and, of a whole run, at its end."""
    record = trial.record
    names = sorted(record.curves.keys() & outcome.curves.keys())
    both = itertools.zip_longest(record.checksums[: trial.epochs], outcome.checksums)
    for epoch, (before, now) in enumerate(both):
        if before is None or now is None:
            return Difference(epoch + 1, end=(_end(record), _end(outcome)))
        apart, where = _largest(
            {name: (record.curves[name][epoch], outcome.curves[name][epoch]) for name in names}
        )
        if before != now or where:
            return Difference(epoch + 1, apart, where)
    if not trial.whole:
        return None
    if _end(record) != _end(outcome):
        return Difference(None, end=(_end(record), _end(outcome)))
    shared = sorted(record.metrics.keys() & outcome.metrics.keys())
    apart, where = _largest(
        {name: (record.metrics[name], outcome.metrics[name]) for name in shared}
    )
    return Difference(None, apart, where) if where else None


def _largest(pairs: Mapping[str, tuple[float, float]]) -> tuple[float, str]:
    """The largest relative difference and its name; 0 and "" where all are the same bits."""
    apart = {
        name: relative(*pair) for name, pair in pairs.items() if repr(pair[0]) != repr(pair[1])
    }
    return max(((value, name) for name, value in apart.items()), default=(0.0, ""))


def _end(ending: Record | Outcome) -> str:
    """`finished after 60 steps`, `diverged at step 7`."""
    return (
        f"finished after {ending.steps} steps"
        if ending.diverged_at is None
        else f"diverged at step {ending.diverged_at}"
    )
