"""Fold files: what the folds of a split predicted together, as csv files."""

from collections.abc import Mapping
from pathlib import Path

from research.analysis.csv_json import csv_text
from research.analysis.evaluation_files import Evaluation
from research.durable_files import write_atomically
from research.sweeps.estimates.out_of_fold import OUT_OF_FOLD, FoldPredictions
from research.sweeps.plan.run_planner import Opened
from research.training.engine.predicted_rows import OWN_TEST

FILES = {OUT_OF_FOLD: "oof.csv", OWN_TEST: "test.csv"}
WHOSE = {OUT_OF_FOLD: "out of fold", OWN_TEST: "own test rows"}


def write_fold_files(
    combined: Mapping[str, FoldPredictions], source: Opened, directory: Path
) -> list[Path]:
    """Writes `oof.csv`, each row that tests in a fold with the folds that predicted it, and
    `test.csv`, the rows of the data set's own test split; of classes also a table of each and the
    confusion figure (`oof_per_class.csv`, `oof_confusion.png`). Returns the files.

    Args:
        combined: the predictions, by the head of their metrics.
        source: the data.
        directory: where the files go.

    Raises:
        UserError: they cannot be written.
    """
    files = []
    for head, predicted in combined.items():
        evaluation = _evaluation(predicted, source, WHOSE[head])
        table = evaluation.predictions()
        if head == OUT_OF_FOLD:
            folds = ["fold", *(" ".join(map(str, numbers)) for numbers in predicted.folds)]
            table = [[row[0], fold, *row[1:]] for row, fold in zip(table, folds, strict=True)]
        path = directory / FILES[head]
        write_atomically(path, csv_text(table))
        files += [path, *evaluation.write_classes(directory, f"{path.stem}_")]
    return files


def _evaluation(predicted: FoldPredictions, source: Opened, whose: str) -> Evaluation:
    spec = source.spec
    y, classes = spec.targets.answers(predicted.targets)
    scores = spec.targets.restored(predicted.scores)
    names = [source.names[row] if source.names else str(row) for row in predicted.rows]
    title = f"{spec.name}, {whose}"
    return Evaluation(title, names, scores, y, classes)
