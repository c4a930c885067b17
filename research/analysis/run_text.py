"""What launch.train prints of runs: their settings, and what came of them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from research import config as config_lib
from research.errors import UserError
from research.metric_names import MEMBERS
from research.sweeps.estimates.out_of_fold import OUT_OF_FOLD, FoldPredictions, metrics_of
from research.sweeps.estimates.seed_value import seed_value
from research.sweeps.plan.run_plan import FittingRun, PlannedEnsemble, trainable
from research.sweeps.records.record import Record
from research.tasks.metrics import undefined
from research.training.engine.predicted_rows import OWN_TEST
from research.training.setup.lane_inputs import footprint
from research.words import plural


def settings_text(runs: Sequence[FittingRun]) -> Iterator[str]:
    """The runs, or ensembles, and what they have in common."""
    first = runs[0]
    trained = trainable(runs)
    # Folds of a series train on more and more rows, and so for more and more steps.
    steps = sorted({run.program.steps for run in trained})
    number = f"{steps[0]:,}" if len(steps) == 1 else f"{steps[0]:,} to {steps[-1]:,}"
    programs = {run.program.id: run for run in trained}
    counts = sorted({footprint(run.config, run.program)[0] for run in programs.values()})
    parameters = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    size = f"{parameters} parameters, {number} steps"
    if trained[0].program.fitted:
        size = "fitted on the host"
    each = "" if len(trained) == 1 or trained[0].program.fitted else "each of "
    if len(runs) == 1:
        yield f"{_described(first)}: {each}{size}"
        yield from _members(first)
    else:
        yield f"{len(runs)} folds of split={first.config.split}, {each}{size}:"
        for run in runs:
            yield f"  fold {run.config.fold}: {_described(run)}"
    for setting, value in config_lib.to_flags(first.config).items():
        if len(runs) == 1 or setting != "fold":
            yield f"  {setting}={value}"


def _described(run: FittingRun) -> str:
    if isinstance(run, PlannedEnsemble):
        return f"ensemble {run.id} of {plural(len(run.members), 'run')}"
    return f"run {run.id}"


def _members(run: FittingRun) -> Iterator[str]:
    if isinstance(run, PlannedEnsemble):
        for number, member in enumerate(run.members):
            yield f"  member {number}: run {member.id}"


def nothing_trained(records: Sequence[Record]) -> str:
    """The line for runs that all have records from before."""
    origin = records[0].provenance
    device = f"{origin.get('replicas', 1)} x {origin.get('device')}"
    were = "its record was" if len(records) == 1 else "their records were"
    return f"nothing was trained: {were} there already, of a training on {device}"


def results_text(
    records: Sequence[Record], together: Mapping[str, FoldPredictions] = {}
) -> Iterator[str]:
    """The final metrics of a run; of several folds those of each, and what they are together.

    Args:
        records: of the run, or of each fold.
        together: what the folds predicted together, where it was kept.
    """
    if len(records) == 1:
        yield _metrics(records[0])
        yield from selected_text(records)
        return
    for number, record in enumerate(records):
        yield f"fold {number}"
        yield _metrics(record)
    value = seed_value(records, len(records))
    if value.record is not None and value.record.status == "finished":
        yield value.says
        yield _metrics(value.record)
        yield from _together(records, together)
    yield from selected_text(records)


def selected_text(records: Sequence[Record]) -> Iterator[str]:
    """The features that runs chose, in a line; of several runs in how many of them each was.

    Args:
        records: of the runs.
    """
    times = Counter(name for record in records for name in record.selected)
    if not times:
        return
    runs = len([record for record in records if record.selected])
    often = times.most_common()
    shown = [name if count == runs else f"{name} ({count} of {runs})" for name, count in often]
    of_runs = "" if runs == 1 else f" in {runs} runs"
    yield f"selected{of_runs}: {', '.join(shown)}"


def _together(records: Sequence[Record], together: Mapping[str, FoldPredictions]) -> Iterator[str]:
    """The metrics of what the folds predicted together, a line a kind of rows."""
    metrics = metrics_of(records[0], together)
    if OUT_OF_FOLD in together:
        predicted = together[OUT_OF_FOLD]
        several = max(map(len, predicted.folds)) > 1
        yield (
            f"out of fold: {len(predicted.rows):,} rows, each predicted by the"
            f" {'folds' if several else 'fold'} in which it tests"
        )
        yield _line(OUT_OF_FOLD, metrics)
    if OWN_TEST in together:
        count = len(together[OWN_TEST].rows)
        yield f"own test rows: {count:,}, each predicted by the average of all folds"
        yield _line(OWN_TEST, metrics)


def _metrics(record: Record) -> str:
    """The final metrics, a line a split; or what went wrong."""
    if record.status == "failed":
        raise UserError(f"the run failed: {record.cause}")
    if record.status == "diverged":
        why = record.cause or "the loss or an update was not finite"
        if "learning_rate" not in record.config:  # fitted on the host
            return f"no result: {why}"
        return f"diverged at step {record.diverged_at}: {why}; {_against_divergence(record.config)}"
    lines = [_line(head, record.metrics) for head in ("train", "validation", "test", MEMBERS)]
    notes = [f"note: {note}" for note in undefined(record.metrics)]
    return "\n".join(filter(None, [*lines, *notes]))


def _line(head: str, metrics: Mapping[str, float]) -> str:
    """The metrics with that head, as `test/accuracy`, in a line; "" without any."""
    values = {
        name.partition("/")[2]: value
        for name, value in metrics.items()
        if name.startswith(f"{head}/")
    }
    shown = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
    return f"{head:<10} {shown}" if values else ""


def _against_divergence(settings: Mapping[str, str]) -> str:
    """What keeps a run of these settings from diverging."""
    smaller = f"a smaller --learning_rate than {settings['learning_rate']}"
    unscaled = []
    if settings["task"] in ("regression", "forecast") and settings["target_scaling"] == "none":
        unscaled.append("--target_scaling=standard (the targets are not scaled)")
    if settings["scaling"] == "none":
        unscaled.append("--scaling=standard (the inputs are not scaled)")
    return f"try {' or '.join([*unscaled, smaller])}"
