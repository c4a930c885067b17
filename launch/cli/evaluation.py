"""What launch.evaluate computes of a run beside its metrics, and the files that it writes."""

from collections.abc import Iterator, Mapping

import jax
import numpy as np

from launch.cli.evaluated_examples import Examples
from launch.cli.records import store
from launch.cli.saved_run import BEAMS, SavedRun
from research.analysis.attention_figure import attention_figure, write
from research.analysis.evaluation_files import Evaluation
from research.analysis.mistakes import Pictures, pictures
from research.data.features.feature import PADDING
from research.data.features.image import Image
from research.data.features.named_arrays import take
from research.data.spec import DataSpec
from research.errors import UserError
from research.sweeps.ensembles.new_rows import scores_of_new_rows
from research.sweeps.execute.terminal import Terminal
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.provenance import recorded_strategy
from research.sweeps.records.record import Record
from research.tasks.bleu import bleu
from research.tasks.calibration import UNCALIBRATED, calibrated
from research.tasks.metrics import undefined as undefined_metrics
from research.training.apply.attention_maps import attention_maps
from research.training.apply.final_metrics import evaluate_rows, final_metrics
from research.training.boosting.requirements import refuse_part
from research.training.devices.strategy import ExecutionStrategy


def refuse(saved: SavedRun, examples: Examples, split: str, out: str | None) -> None:
    """Raises UserError for flags that the run or the examples have no use for.

    Args:
        saved: the run.
        examples: what it is evaluated on.
        split: what they are.
        out: the directory of --out.
    """
    task = saved.run.config.task
    if saved.ensemble is None:
        refuse_part(saved.run.id, saved.run.config)
    elif split == "train":
        raise UserError(
            "the members of an ensemble may train on different rows; use --split=validation or test"
        )
    if BEAMS.present and task != "sequence_to_sequence":
        raise UserError(
            f"--beams applies only to task=sequence_to_sequence; the run's task is {task}"
        )
    saved.check_beams()
    if out and saved.run.program.spec.targets.arrays:
        raise UserError("--out=DIR has a table of one target a row, not of several; leave it out")
    if out and saved.run.program.problem.summary is None:
        raise UserError(f"--out=DIR has no table for {task}, which answers each step; leave it out")
    if not out and not _measured(saved, examples):
        raise UserError(
            f"{examples.lacks}, so there are no metrics; --out=DIR writes the predictions"
        )


def measure(saved: SavedRun, examples: Examples) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """(the outputs, with `scores` [R, K] where there is one target a row; the metrics, if any)."""
    program = saved.run.program
    if saved.ensemble is None:
        outputs = _outputs(saved, examples)
    else:
        scores = [_outputs(member, examples)["scores"] for member in saved.members]
        classes = bool(program.spec.targets.of_classes)
        together = scores_of_new_rows(saved.ensemble, scores, Predictions(store()), classes)
        outputs = {"scores": together}
    if not _measured(saved, examples):
        return outputs, {}
    metrics = final_metrics(program.problem, outputs, examples.y, examples.clean)
    if saved.run.config.task == "sequence_to_sequence":
        metrics |= _of_answers(saved, examples)
    return outputs, metrics


def _outputs(saved: SavedRun, examples: Examples) -> dict[str, np.ndarray]:
    """What a run's own network makes of the examples."""
    program = saved.run.program
    outputs = evaluate_rows(
        program,
        saved.lane,
        saved.variables,
        _strategy(saved.record),
        examples.x,
        examples.rows,
        examples.y,
    )
    return calibrated(saved.calibration, outputs)


def undefined(metrics: Mapping[str, float], examples: Examples, spec: DataSpec) -> Iterator[str]:
    """Notes on metrics that the rows' targets leave undefined.

    Args:
        metrics: the metrics of the rows.
        examples: the rows.
        spec: the facts of the run's data.
    """
    notes = list(undefined_metrics(metrics))
    yield from notes
    y = examples.y
    if not notes or not isinstance(y, np.ndarray) or y.ndim != 1:
        return
    there = np.unique(y)
    if lacking := [name for k, name in enumerate(spec.targets.classes) if k not in there]:
        yield f"no row is of the class '{lacking[0]}'"


def _measured(saved: SavedRun, examples: Examples) -> bool:
    """Whether there is something to compare the outputs with."""
    return examples.y is not None or saved.run.program.spec.targets.unlabelled


def write_evaluation(
    saved: SavedRun,
    examples: Examples,
    outputs: Mapping[str, np.ndarray],
    split: str,
    directory: str,
) -> None:
    """Writes predictions, a table of the classes and figures.

    Args:
        saved: the run.
        examples: the rows that were evaluated.
        outputs: what `measure` returned for them; `scores` is [R, K].
        split: what the rows are, for the title.
        directory: where the files go.
    """
    spec = saved.run.program.spec
    scores = spec.targets.restored(outputs["scores"])
    y, classes = spec.targets.answers(examples.y)
    title = f"{saved.run.config.arch.name} on {spec.name}, {split}"
    evaluation = Evaluation(
        title,
        examples.names,
        scores,
        y,
        classes,
        _pictures(saved, examples),
        outputs.get(UNCALIBRATED),
        spec.targets.score_names,
    )
    for path in evaluation.write(directory):
        print(f"wrote {path}")


def _pictures(saved: SavedRun, examples: Examples) -> Pictures | None:
    """The function that draws examples, given as indices into the rows; None without images."""
    spec = saved.run.program.spec
    if not isinstance(spec.inputs, Image):
        return None
    maximum = spec.inputs.maximum
    return lambda indices: pictures(examples.x[examples.rows[indices]], maximum)


def draw_attention(saved: SavedRun, examples: Examples, file: str) -> None:
    """Draws what attention looks at in the first example.

    Args:
        saved: the run.
        examples: what it is evaluated on.
        file: where the figure goes.
    """
    spec = saved.run.program.spec
    if isinstance(examples.x, dict):
        raise UserError(f"--attention draws runs with one input; {spec.name} has several")
    x = np.asarray(examples.x[examples.rows[:1]])[0]
    maps = attention_maps(saved.run.program, saved.lane, saved.variables, x)
    write(attention_figure(f"{saved.run.config.arch.name} on {spec.name}", maps, spec, x), file)
    print(f"wrote {file}")


def _of_answers(saved: SavedRun, examples: Examples) -> dict[str, float]:
    """BLEU of the network's answers; with a beam search also the share that is right at every
    step."""
    assert examples.y is not None
    tokens = saved.run.program.spec.inputs.tokens
    right = np.asarray(examples.y)[:, tokens.source :]
    replies = saved.answers(take(examples.x, examples.rows))[0][:, 0]
    matches = ((replies == right) | (right == PADDING)).all(axis=1)
    # Without an end symbol an answer has no end of its own: what follows the target is not scored.
    if not tokens.end:
        replies = np.where(right == PADDING, PADDING, replies)
    exact = {"beam_exact_match": float(matches.mean())} if BEAMS.value > 1 else {}
    return {**exact, "bleu": bleu(replies, right, tokens.vocabulary, tokens.end)}


def _strategy(record: Record) -> ExecutionStrategy:
    """The recorded strategy, or a plain one with a warning where this machine lacks the devices."""
    # Another strategy sums in another order, so only the recorded one repeats the metrics' bits.
    strategy = recorded_strategy(record.provenance)
    if strategy is not None and strategy.replicas <= jax.local_device_count():
        return strategy
    device = f"{record.provenance.get('replicas', 1)} x {record.provenance.get('device')}"
    Terminal().warn(
        f"the run was trained on {device}; the metrics computed here may differ in their last"
        " digits"
    )
    return ExecutionStrategy(1, 1)
