"""Evaluates a run with saved parameters on one of its splits or on new data.

Examples:
  python -m launch.evaluate --run=RUN --split=test --out=evaluation
  python -m launch.evaluate --run=RUN --split=csv:new.csv
"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from absl import flags

from launch.cli import start
from launch.cli.saved_run import BEAMS, SavedRun, TrainingData, load_run, load_run_with_data
from research.analysis.attention_figure import attention_figure, write
from research.analysis.evaluation_files import Evaluation
from research.analysis.mistakes import Pictures, pictures
from research.data import csv_file, csv_series, image_folder, text
from research.data.image_files import text_of
from research.data.spec import PADDING
from research.data.windows import Windows
from research.errors import UserError
from research.sweeps.execute.terminal import Terminal
from research.sweeps.records.provenance import recorded_strategy
from research.sweeps.records.record import Record
from research.tasks.bleu import bleu
from research.training.apply.attention_maps import attention_maps
from research.training.apply.final_metrics import evaluate_rows, final_metrics
from research.training.devices.strategy import ExecutionStrategy

SPLIT = flags.DEFINE_string(
    "split",
    "test",
    "test, validation or train of the run's own data; or csv:FILE, folder:DIR, text:FILE with the"
    " same columns, classes or symbols",
)
ATTENTION = start.define_file(
    "attention",
    None,
    "draw what attention looks at in the split's first example into this file (.png, .pdf, .svg)",
)
OUT = start.define_output(
    "out",
    "write predictions.csv, the wrong examples, a table of the classes, and figures into this"
    " directory",
)

SPLITS = ("test", "validation", "train")


@dataclasses.dataclass(frozen=True)
class Examples:
    """Rows [R] of raw inputs x [N, ...], with what each is called; y [R], or None if it is not
    known.

    unread: columns of a file that the run has no use for. notes: how the file was read, where there
        was a choice.
    """

    names: list[str]
    x: Any
    rows: np.ndarray
    y: np.ndarray | None
    unread: Sequence[str] = ()
    notes: Sequence[str] = ()

    def size(self) -> str:
        """How much is evaluated: rows, or of windows how many targets they have."""
        if not isinstance(self.x, Windows):
            return f"{len(self.rows):,} rows"
        assert self.y is not None
        there = self.y != PADDING if self.y.dtype.kind == "i" else ~np.isnan(self.y)
        return f"{int(there.sum()):,} targets in {len(self.rows):,} windows"


def main() -> None:
    data: TrainingData | None = None
    if SPLIT.value in SPLITS:
        saved, data = load_run_with_data()
    else:
        saved = load_run()
    program = saved.run.program
    answers = saved.run.config.task == "sequence_to_sequence"
    if BEAMS.present and not answers:
        raise UserError(
            "--beams applies only to task=sequence_to_sequence; the run's task is"
            f" {saved.run.config.task}"
        )
    saved.check_beams()
    examples = _of_file(saved, SPLIT.value) if data is None else _of_split(saved, data, SPLIT.value)
    if OUT.value and program.problem.summary is None:
        raise UserError(
            f"--out=DIR has no table for {saved.run.config.task}, which answers each step; leave"
            " it out"
        )
    measured = examples.y is not None or program.spec.reconstructs
    if not measured and not OUT.value:
        raise UserError(
            f"{SPLIT.value} has no targets, so there are no metrics; --out=DIR takes the"
            " predictions"
        )
    if ATTENTION.value:
        _draw_attention(saved, np.asarray(examples.x[examples.rows[:1]])[0], ATTENTION.value)
    outputs = evaluate_rows(
        program,
        saved.lane,
        saved.variables,
        _strategy(saved.record),
        examples.x,
        examples.rows,
        examples.y,
    )
    print(
        f"run {saved.run.id}: its {saved.which} parameters, of epoch {saved.epoch};"
        f" {examples.size()}"
    )
    if measured:
        metrics = final_metrics(program.problem, outputs, examples.y)
        if answers:
            metrics |= _of_answers(saved, examples)
        print(
            f"{SPLIT.value}  " + "  ".join(f"{name} {value!r}" for name, value in metrics.items())
        )
    _print_notes(examples)
    if OUT.value:
        _write_evaluation(saved, examples, outputs["scores"], OUT.value)


def _print_notes(examples: Examples) -> None:
    """Prints how the file was read to stderr: stdout has the metrics alone."""
    for note in examples.notes:
        print(f"note: {note}", file=sys.stderr)
    if examples.unread:
        print(
            f"note: columns that the run does not read: {', '.join(examples.unread)}",
            file=sys.stderr,
        )


def _write_evaluation(
    saved: SavedRun, examples: Examples, scores: np.ndarray, directory: str
) -> None:
    """Writes predictions, a table of the classes and figures.

    Args:
        saved: the run.
        examples: the rows that were evaluated.
        scores: the network's outputs for them, [R, K].
        directory: where the files go.
    """
    spec = saved.run.program.spec
    y = examples.y
    if spec.target_origin:
        # In float32, adding a large origin back would round the small values that were trained on.
        scores = scores.astype(np.float64) + spec.target_origin
        y = None if y is None else y.astype(np.float64) + spec.target_origin
    title = f"{saved.run.config.arch.name} on {spec.name}, {SPLIT.value}"
    evaluation = Evaluation(
        title, examples.names, scores, y, spec.classes, _pictures(saved, examples)
    )
    for path in evaluation.write(directory):
        print(f"wrote {path}")


def _pictures(saved: SavedRun, examples: Examples) -> Pictures | None:
    """The function that draws examples, given as indices into the rows; None without images."""
    spec = saved.run.program.spec
    if len(spec.shape) != 3:
        return None
    return lambda indices: pictures(examples.x[examples.rows[indices]], spec.maximum)


def _draw_attention(saved: SavedRun, x: np.ndarray, file: str) -> None:
    """A figure of the attention maps of the example x."""
    spec = saved.run.program.spec
    maps = attention_maps(saved.run.program, saved.lane, saved.variables, x)
    write(attention_figure(f"{saved.run.config.arch.name} on {spec.name}", maps, spec, x), file)
    print(f"wrote {file}")


def _of_answers(saved: SavedRun, examples: Examples) -> dict[str, float]:
    """BLEU of the network's answers; with a beam search also the share that is right at every
    step."""
    assert examples.y is not None
    spec = saved.run.program.spec
    right = np.asarray(examples.y)[:, spec.source :]
    replies = saved.answers(examples.x[examples.rows])[0][:, 0]
    matches = ((replies == right) | (right == PADDING)).all(axis=1)
    # Without an end symbol an answer has no end of its own: what follows the target is not scored.
    if not spec.end:
        replies = np.where(right == PADDING, PADDING, replies)
    exact = {"beam_exact_match": float(matches.mean())} if BEAMS.value > 1 else {}
    return {**exact, "bleu": bleu(replies, right, spec.vocabulary, spec.end)}


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


def _of_split(saved: SavedRun, data: TrainingData, split: str) -> Examples:
    """Rows of the run's own data."""
    rows = np.asarray(getattr(saved.lane, split))
    if not len(rows):
        raise UserError(f"the run has no {split} rows: its split is {saved.run.config.split}")
    names = [data.names[row] for row in rows] if data.names else [str(row) for row in rows]
    return Examples(names, data.arrays.x, rows, data.arrays.y[rows])


def _of_file(saved: SavedRun, split: str) -> Examples:
    """The examples of a file or a folder. Raises UserError if they are not like those that the run
    was trained on."""
    kind, _, path = split.partition(":")
    spec, options = saved.spec, dict(saved.run.config.dataset.options)
    images = len(spec.shape) == 3
    if kind not in ("csv", "folder", "text") or not path:
        raise UserError(
            f"split={split}: expected {', '.join(SPLITS)}, csv:FILE, folder:DIR or text:FILE"
        )
    is_text = spec.windows and bool(spec.vocabulary)
    if is_text != (kind == "text"):
        raise UserError(
            f"split={split}: {spec.name} {'is a text; give text:FILE' if is_text else 'is no text'}"
        )
    if spec.windows:
        file = Path(path).expanduser()
        notes: Sequence[str] = ()
        if is_text:
            windows, starts, following = text.read_like(file, spec)
        else:
            windows, starts, following, notes = csv_series.series_like(file, spec, options)
        return Examples([str(row) for row in starts], windows, starts, following, notes=notes)
    if images != (kind == "folder"):
        wanted = "images: give folder:DIR" if images else "a table: give csv:FILE"
        raise UserError(f"split={split}: the run was trained on {wanted}")
    if not images and not spec.features:
        raise UserError(
            f"split={split}: {spec.name} is not a table of columns; give one of {', '.join(SPLITS)}"
        )
    if not images:
        x, y, unread = csv_file.read_like(Path(path).expanduser(), spec, options)
        return Examples([str(row) for row in range(len(x))], x, np.arange(len(x)), y, unread)
    if spec.maximum != 255:
        raise UserError(
            f"split={split}: the run's pixels range up to {spec.maximum:g}, those of image files"
            " up to 255"
        )
    resize, background = bool(options.get("size")), options.get("background", "white")
    x, y, files, notes = image_folder.read_like(Path(path).expanduser(), spec, resize, background)
    return Examples([text_of(file) for file in files], x, np.arange(len(x)), y, notes=notes)


if __name__ == "__main__":
    start.run(main, saves=False)
