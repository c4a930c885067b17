"""A packaged run: a records folder of one run, or of an ensemble and its members."""

import shutil
from pathlib import Path

from research.errors import UserError
from research.sweeps.ensembles.new_rows import members_of
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.sweeps.records.saved_parameters import Parameters, Saved
from research.sweeps.records.store import Store
from research.sweeps.records.verification import lookup


def write_package(record: Record, records: Store, folder: Path) -> Saved:
    """Writes what predictions of new rows require; returns what the run, or the first member of an
    ensemble, has saved.

    Args:
        record: of the run, or of the ensemble.
        records: where it lies.
        folder: an empty folder, which becomes a records folder.

    Raises:
        UserError: parameters are missing, or the folder is not empty.
    """
    members = [lookup(records, run_id) for run_id in members_of(record)]
    runs = members or [record]
    every = [_saved(run, records) for run in runs]
    predictions = Predictions(records)
    for member in members:
        predictions.load(member.run_id)  # refuses what is not there, or damaged
    # Files of something else would confuse a records folder.
    if any(folder.iterdir()):
        raise UserError(f"{folder} is not empty; name another folder with --out")
    packed = Store(folder)
    for run in runs:
        packed.write(run)
        parameters = Parameters(records).path(run.run_id)
        shutil.copytree(parameters, Parameters(packed).path(run.run_id))
    for member in members:
        # Stacking and boosting fit their weights to what the members kept.
        path = Predictions(packed).path(member.run_id)
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(predictions.path(member.run_id), path)
    packed.write(record)
    return every[0]


def _saved(run: Record, records: Store) -> Saved:
    saved = Parameters(records).load(run.run_id)
    if saved.basis is None:
        raise UserError(
            f"run {run.run_id} was saved by an older version without its scaling; train it again"
        )
    return saved
