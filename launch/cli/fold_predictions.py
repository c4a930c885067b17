"""What launch.train keeps, shows and writes of the predictions of folds."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from research.analysis.fold_files import write_fold_files
from research.errors import UserError
from research.sweeps.estimates.out_of_fold import FoldPredictions, of_runs
from research.sweeps.execute.execution_options import Execution
from research.sweeps.plan.run_plan import FittingRun, keeps_scores, trainable
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store


def keeping(
    how: Execution, runs: Sequence[FittingRun], records: Store, directory: str | None
) -> Execution:
    """How folds are trained so that their out-of-fold score can be shown: their predictions stay.

    Runs that have records are trained again only for files, or where the flag says so.

    Args:
        how: what the flags say.
        runs: what is trained.
        records: where the records are.
        directory: where files are to be written; None: nowhere.

    Raises:
        UserError: files are to be written of a run that is no fold.
    """
    if directory is not None and len(runs) == 1:
        raise UserError(
            "--out writes what folds predict, and this is one run; give a split that has folds,"
            " as --split='kfold(5)'"
        )
    fresh = not any(records.written(run.id) for run in runs)
    wanted = directory is not None or (
        len(runs) > 1 and fresh and all(map(keeps_scores, trainable(runs)))
    )
    return dataclasses.replace(how, keep_predictions=how.keep_predictions or wanted)


def together(trained: Sequence[Record], records: Store) -> dict[str, FoldPredictions]:
    """What folds predicted together; nothing of one run, or where a fold kept no predictions.

    Args:
        trained: the records of all folds.
        records: where their predictions are.
    """
    predictions = Predictions(records)
    finished = all(record.status == "finished" for record in trained)
    if len(trained) == 1 or not finished or not all(predictions.has(r.run_id) for r in trained):
        return {}
    return of_runs(trained, predictions)


def write(
    predicted: Mapping[str, FoldPredictions],
    run: FittingRun,
    plans: Planner,
    directory: str | None,
) -> None:
    """Writes the files of the folds, and prints their names.

    Args:
        predicted: what the folds predicted together.
        run: one of them.
        plans: has the data.
        directory: where the files go; None: nowhere.
    """
    if directory is None:
        return
    for path in write_fold_files(predicted, plans.source(run.config), Path(directory)):
        print(f"wrote {path}")
