"""Predictions: the scores that runs kept, a file per run beside the records, whole or not there."""

import dataclasses
import functools
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from research.config import RunConfig
from research.durable_files import check_format, set_aside, write_atomically
from research.errors import UserError
from research.sweeps.records.saved_parameters import command_of
from research.sweeps.records.store import Store
from research.training.boosting.earlier_runs import EarlierRuns, Kept
from research.training.engine.predicted_rows import PredictedRows

FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Predictions:
    """The kept predictions in a records directory: `predictions/RUN.npz` holds, for each part of
    the split, its rows, scores and targets, as `test_scores`; `about` says whose they are."""

    store: Store

    def path(self, run_id: str) -> Path:
        """The file of a run."""
        return self.store.root / "predictions" / f"{run_id}.npz"

    def has(self, run_id: str) -> bool:
        """Whether the run kept its predictions; loading them says whether they are whole."""
        return self.path(run_id).exists()

    def save(self, run_id: str, fingerprint: str, predictions: Mapping[str, PredictedRows]) -> Path:
        """Writes a run's predictions and returns their file.

        Args:
            run_id: the run.
            fingerprint: of its data.
            predictions: by part of the split.

        Raises:
            UserError: the file cannot be written.
        """
        about = {"format": FORMAT, "run_id": run_id, "data": fingerprint}
        arrays = {
            f"{part}_{name}": values
            for part, predicted in predictions.items()
            for name, values in predicted._asdict().items()
        }
        content = io.BytesIO()
        # Compressed, since targets and rows are far from random; the zip has a CRC of each array.
        np.savez_compressed(content, about=np.array(json.dumps(about)), **arrays)
        write_atomically(self.path(run_id), content.getvalue())
        return self.path(run_id)

    def load(self, run_id: str) -> dict[str, PredictedRows]:
        """What a run kept, by part of the split.

        Raises UserError if it kept nothing, or if the file is damaged or of another run; such a
        file is set aside.
        """
        path = self.path(run_id)
        again = f"keep them with {command_of(self.store, run_id, '--keep_predictions')}"
        if not path.exists():
            raise UserError(f"run {run_id} kept no predictions; {again}")
        try:
            return _read(path, run_id)
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            try:
                _, where = set_aside(path, self.store.root / "damaged")
            except FileNotFoundError:
                where = "another process set them aside"
            raise UserError(
                f"the predictions {path} are damaged ({error}); {where}; {again}"
            ) from None

    def earlier(self, config: RunConfig, fingerprint: str) -> EarlierRuns:
        """What the runs kept that a boosted run learns from, in their order.

        config: the run's. fingerprint: of its data.

        Reading it raises UserError as `load` does, and if they kept nothing of their training rows,
        or were trained on data of another fingerprint.
        """
        after = config.after or ()
        # The last one has the sum of all, to which residuals are taken.
        needed = after[-1:] if config.boost == "residuals" else after
        return EarlierRuns(needed, functools.partial(self._earlier_run, fingerprint=fingerprint))

    def _earlier_run(self, run_id: str, fingerprint: str) -> Kept:
        parts = self.load(run_id)
        if "train" not in parts:
            raise UserError(
                f"run {run_id} kept no predictions of its training rows, as members of a boosted"
                " ensemble do; name runs with the same --boost in --after"
            )
        if self.data_of(run_id) != fingerprint:
            raise UserError(
                f"run {run_id} was trained on other data than the run that names it in --after"
            )
        return parts

    def data_of(self, run_id: str) -> str:
        """The fingerprint of the data that a run's predictions are of, once `load` has read
        them."""
        with np.load(self.path(run_id), allow_pickle=False) as stored:
            return str(json.loads(str(stored["about"]))["data"])


def _read(path: Path, run_id: str) -> dict[str, PredictedRows]:
    """Raises ValueError, KeyError, OSError or BadZipFile if the file is damaged."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    about = json.loads(str(arrays.pop("about")))
    check_format(about["format"], FORMAT)
    if about["run_id"] != run_id:
        raise ValueError(f"they are of run {about['run_id']}; was the file copied or renamed?")
    parts = dict.fromkeys(name.rpartition("_")[0] for name in arrays)
    return {
        part: PredictedRows(*(arrays[f"{part}_{field}"] for field in PredictedRows._fields))
        for part in parts
    }


def differing_rows(
    stored: Mapping[str, PredictedRows], again: Mapping[str, PredictedRows]
) -> dict[str, int]:
    """How many rows of each part have other scores, or are others; no part without any."""
    counts: dict[str, int] = {}
    for part in {**stored, **again}:
        ours, theirs = stored.get(part), again.get(part)
        if ours is None or theirs is None or not np.array_equal(ours.rows, theirs.rows):
            counts[part] = len((ours or theirs).rows)  # type: ignore[union-attr]
            continue
        # By bytes, so that NaN equals itself.
        same = [a.tobytes() == b.tobytes() for a, b in zip(ours.scores, theirs.scores, strict=True)]
        if count := same.count(False):
            counts[part] = count
    return counts
