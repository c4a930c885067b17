"""Kept predictions: whole or not there, those of their own run, named where they are damaged."""

from pathlib import Path

import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.errors import UserError
from research.sweeps.records.predictions import Predictions, differing_rows
from research.sweeps.records.store import Store
from research.training.engine.predicted_rows import PredictedRows

RUN, OTHER = "0" * 16, "1" * 16


def predicted(count: int = 3) -> dict[str, PredictedRows]:
    scores = np.arange(2.0 * count, dtype=np.float32).reshape(count, 2)
    scores[0, 0] = np.nan
    rows = np.arange(count, dtype=np.int32) * 5
    return {"test": PredictedRows(rows, scores, rows % 2)}


@pytest.fixture
def predictions(tmp_path: Path) -> Predictions:
    return Predictions(Store(tmp_path))


def test_what_is_saved_is_what_is_loaded(predictions: Predictions) -> None:
    assert not predictions.has(RUN)
    predictions.save(RUN, "data", predicted())
    assert predictions.has(RUN)
    loaded = predictions.load(RUN)
    assert not differing_rows(loaded, predicted())
    assert loaded["test"].targets.tolist() == [0, 1, 0]
    # Nothing but the file: what was written under another name has got its own.
    assert [path.name for path in predictions.path(RUN).parent.iterdir()] == [f"{RUN}.npz"]


def test_none_say_how_to_get_them(predictions: Predictions) -> None:
    with pytest.raises(UserError, match=r"kept no predictions; keep them with .*keep_predictions"):
        predictions.load(RUN)


@pytest.mark.parametrize("how", ["cut", "flipped", "empty", "renamed"])
def test_damaged_ones_are_named_and_set_aside(predictions: Predictions, how: str) -> None:
    path = predictions.save(OTHER if how == "renamed" else RUN, "data", predicted(50))
    content = path.read_bytes()
    if how == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif how == "flipped":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :])
    elif how == "empty":
        path.write_bytes(b"")
    else:
        path.rename(predictions.path(RUN))
    with pytest.raises(UserError, match=rf"{RUN}.npz are damaged .*moved to .*damaged/{RUN}"):
        predictions.load(RUN)
    assert not predictions.has(RUN)


def test_rows_that_differ_are_counted() -> None:
    ours, theirs = predicted(), predicted()
    theirs["test"].scores[1, 1] += 1
    assert differing_rows(ours, theirs) == {"test": 1}
    shifted = ours["test"]._replace(rows=ours["test"].rows + 1)
    assert differing_rows(ours, {"test": shifted}) == {"test": 3}
    assert differing_rows(ours, {}) == {"test": 3}
