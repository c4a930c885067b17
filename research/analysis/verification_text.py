"""Verdicts in words: how a recorded run was trained again, and how the two compare."""

from collections.abc import Iterable, Iterator

from research.sweeps.records.verification import (
    LOSS,
    Difference,
    EnvironmentChange,
    Localization,
    Rerun,
    Verification,
    relative,
)

# A message lists at most this many arrays.
MOST_ARRAYS = 12


def intent(trial: Rerun, steps: int | None) -> Iterator[str]:
    """What is about to be trained, a line each. steps: that were asked for."""
    record, strategy, config = trial.record, trial.strategy, trial.run.config
    outcome = "diverged" if record.diverged_at is not None else "finished"
    yield (
        f"run {record.run_id}: {config.arch.name} on {config.dataset.name}, seed {config.seed},"
        f" {outcome}"
    )
    lanes = (
        f"{strategy.width} lanes ({strategy.width - 1} idle)" if strategy.width > 1 else "one lane"
    )
    spread = f", over {strategy.replicas} devices" if strategy.replicas > 1 else ""
    yield f"trained again with {lanes}, {strategy.steps} steps a dispatch{spread}"
    if steps is not None and trial.whole:
        yield f"all of it: it has {record.steps} steps, and whole epochs are compared"
    elif steps is not None:
        done = trial.epochs * trial.run.program.sizes.steps_per_epoch
        yield f"its first {_count(trial.epochs, 'epoch')}, {done} steps: whole epochs are compared"
    if not trial.exact:
        yield f"not as recorded: {_changes(c for c in trial.changes if not c.exact)}"
        yield f"bits need not repeat; {LOSS} of epoch 1 must agree to {_tolerance(trial)}"


def verdict(trial: Rerun, verification: Verification) -> Iterator[str]:
    """The verdict, then what it rests on, a line each."""
    epochs = _count(trial.epochs, "epoch")
    if verification.difference is None:
        also = ", its end and final metrics" if trial.whole else ""
        yield f"{verification.verdict}: parameters and curves of {epochs}{also}, bit for bit"
    elif verification.verdict == "differs":
        yield f"{verification.verdict} {_difference(verification.difference)}"
    else:
        yield f"{verification.verdict}: bits differ {_difference(verification.difference)}"
    if verification.difference is not None and not trial.exact and verification.loss is not None:
        there, here = verification.loss
        apart = relative(there, here)
        judged = f"{'within' if apart <= trial.tolerance else 'beyond'} {_tolerance(trial)}"
        yield (
            f"{LOSS} of epoch 1: recorded {there:.9g}, here {here:.9g}, {apart:.2g} apart: {judged}"
        )
    if verification.verdict == "differs" and any(change.exact for change in trial.changes):
        yield (
            "not as recorded, though bits should repeat:"
            f" {_changes(c for c in trial.changes if c.exact)}"
        )
    if verification.unshared:
        unshared = ", ".join(verification.unshared)
        yield f"not compared, since the record or this code lacks them: {unshared}"


def location(trial: Rerun, localization: Localization) -> Iterator[str]:
    """What two more trainings say of a difference, a line each."""
    if localization.parting is None and localization.repeats:
        changed = _changes(trial.changes) or "nothing that the record tells"
        yield (
            "trained twice more: the run repeats here, bit for bit; the record came from elsewhere"
        )
        yield f"what differs between there and here: {changed}"
    elif localization.parting is None:
        yield (
            "trained twice more: these two agree, but not with the training before; it does not"
            " always repeat here"
        )
    else:
        parting = localization.parting
        when = "at its start" if parting.step == 0 else f"after step {parting.step}"
        when += ", closing the epoch" if parting.closing else ""
        yield f"trained twice more: the run does not repeat here; the two part {when}, in"
        for array in parting.arrays[:MOST_ARRAYS]:
            yield (
                f"  {array.path}: {array.elements} of {array.size} elements, "
                f"by up to {array.absolute:.2g} ({array.relative:.2g} relative)"
            )
        if len(parting.arrays) > MOST_ARRAYS:
            yield f"  and {len(parting.arrays) - MOST_ARRAYS} more arrays"


def _difference(difference: Difference) -> str:
    where = "at its end" if difference.epoch is None else f"at epoch {difference.epoch}"
    if difference.end is not None:
        return f"{where}: the record {difference.end[0]}, here it {difference.end[1]}"
    if difference.epoch is None:
        return (
            f"{where}: its final metrics by up to {difference.relative:.2g} relative, in"
            f" {difference.where}"
        )
    if difference.where:
        return (
            f"{where}: its curves by up to {difference.relative:.2g} relative, in"
            f" {difference.where}"
        )
    return f"{where}: its parameters, by their checksum; its curves are the same"


def _changes(changes: Iterable[EnvironmentChange]) -> str:
    """`jaxlib is 0.10.2, was 0.10.1; host is a, was b`."""
    return "; ".join(f"{change.what} is {change.here}, was {change.there}" for change in changes)


def _tolerance(trial: Rerun) -> str:
    return f"{trial.tolerance:g} relative ({trial.run.config.precision})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number != 1)
