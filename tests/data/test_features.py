"""Features: what they know of their arrays, and that what is stored of them reads back."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from research.data.array_cache import open_table
from research.data.data_table import Table
from research.data.features.feature import Feature, feature
from research.data.features.image import Image
from research.data.features.itself import Itself
from research.data.features.label import Label
from research.data.features.mask import Mask
from research.data.features.number import Number
from research.data.features.numbers import Numbers
from research.data.features.table_columns import TableColumns
from research.data.features.target import TargetFeature
from research.data.features.time_series import TimeSeries
from research.data.features.token_sequence import TokenSequence
from research.data.spec import DataSpec, spec_of, stored_spec
from research.data.windows import Windowing
from research.errors import ShapeError
from research.registry import FEATURES, Architecture, Entry
from research.testing import conformance
from research.training.setup.compatibility import advice, as_taken

COMMON = {"name": "d", "task": "t", "size": 9, "test_size": 2, "fingerprint": "f"}
# The flat fields of decoded copies, and the features that they are read as.
FLAT: list[tuple[dict[str, Any], Any, TargetFeature]] = [
    (
        {"shape": [3], "features": ["a", "b=u", "b=v"], "kinds": [0, 2], "impute": "mean"},
        TableColumns((3,), ("a", "b=u", "b=v"), impute="mean", categories=(0, 2)),
        Number(),
    ),
    (
        {"shape": [4, 5, 3], "maximum": 255.0, "classes": ["cat", "dog"], "numbered": False},
        Image((4, 5, 3), maximum=255.0),
        Label(names=("cat", "dog")),
    ),
    (
        {"shape": [4, 5, 1], "classes": ["0", "1"], "target_shape": [4, 5], "even": True},
        Image((4, 5, 1)),
        Mask((4, 5), True, ("0", "1")),
    ),
    (
        {"shape": [6, 2], "padded": True, "target_origin": 7.5},
        TimeSeries((6, 2), padded=True),
        Number(offset=7.5),
    ),
    (
        {
            "shape": [6],
            "vocabulary": ["a", "."],
            "classes": ["a", "."],
            "target_shape": [6],
            "source": 2,
            "end": ".",
        },
        TokenSequence((6,), ("a", "."), source=2, end="."),
        Label((6,), names=("a", ".")),
    ),
    ({"shape": [2, 2, 2, 2], "reconstructs": True}, Numbers((2, 2, 2, 2)), Itself(size=16)),
]


@pytest.mark.parametrize(("flat", "inputs", "targets"), FLAT)
def test_flat_fields_are_read_as_features(flat: Any, inputs: Any, targets: TargetFeature) -> None:
    """Decoded copies and older kept runs have a field per fact; later fields are passed over."""
    spec = spec_of({**COMMON, **flat, "of a later version": 1})
    assert spec == DataSpec("d", "t", inputs, targets, 9, 2, "f")


@pytest.mark.parametrize(("flat", "inputs", "targets"), FLAT)
def test_what_is_stored_reads_back(flat: Any, inputs: Any, targets: TargetFeature) -> None:
    spec = DataSpec("d", "t", inputs, targets, 9, 2, "f", notes=("n",), windows=Windowing((4, 5)))
    assert spec_of(json.loads(json.dumps(stored_spec(spec)))) == spec


def test_windows_are_never_over_early() -> None:
    flat = {"shape": [6], "windows": True, "target_shape": [6], "burn_in": 2, "series": [40, 50]}
    spec = spec_of({**COMMON, **flat})
    assert spec.windows == Windowing((40, 50), burn_in=2)
    assert isinstance(spec.inputs, TimeSeries)
    assert not spec.inputs.ragged
    assert not spec.targets.ragged


def test_every_feature_says_what_it_is() -> None:
    kinds = {type(inputs) for _, inputs, _ in FLAT} | {type(targets) for *_, targets in FLAT}
    assert kinds <= {entry.build for entry in FEATURES}
    assert Image((4, 5, 3)).describe() == "images [4, 5, 3]"


@pytest.mark.parametrize("entry", list(FEATURES), ids=lambda entry: entry.name)
def test_the_battery_of_features(entry: Entry) -> None:
    for check in conformance.trials(FEATURES.kind, entry).values():
        check()


def test_a_feature_that_changes_its_shape_fails_the_battery() -> None:
    class Halved(Number):
        """Half of the numbers."""

        kind = "number"

        def normalize(self, x: Any, fitted: Any, dtype: Any) -> Any:
            return x[:, ::2]

    _, like_placeholder = conformance.trials(FEATURES.kind, Entry("h", Halved, "")).values()
    with pytest.raises(AssertionError, match="its placeholder is"):
        like_placeholder()


def test_a_scaling_is_fitted_to_training_rows() -> None:
    """Rows 0 and 1 have the columns 1, 3 and 0, 4: means 2 and 2, deviations 1 and 2."""
    x = np.array([[1, 0], [3, 4], [100, 100]], np.float32)
    fitted = TableColumns((2,)).fit(x, np.array([0, 1]), "standard", np.dtype(np.float32))
    np.testing.assert_allclose([fitted.shift, fitted.scale], [[2, 2], [1, 2]])
    seen = TableColumns((2,)).normalize(x[2:], fitted, np.dtype(np.float32))
    np.testing.assert_allclose(seen, [[98, 49]])


def test_padding_counts_in_no_scaling() -> None:
    """The steps 1, 3 and 5 are there: mean 3, deviation sqrt(8/3)."""
    x = np.array([[[1], [3]], [[5], [np.nan]]], np.float32)
    fitted = TimeSeries((2, 1), padded=True).fit(x, np.arange(2), "standard", np.dtype("f4"))
    np.testing.assert_allclose([fitted.shift, fitted.scale], [[3], [np.sqrt(8 / 3)]])


def test_a_single_input_of_a_kind_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is subtracted from its numbers, however large, and only what names its kind takes
    it."""
    monkeypatch.setattr(FEATURES, "_entries", dict(FEATURES._entries))

    @feature
    @dataclasses.dataclass(frozen=True)
    class Wave(Feature):
        """Sound at so many samples a second."""

        kind = "wave"
        counted = "waves"

        rate: int = 8000

    x = 1e9 + np.arange(12.0).reshape(3, 4)
    table = Table(x, np.arange(3.0), inputs=Wave((4,), 16000))
    source = open_table("waves", lambda: table, cache_dir=str(tmp_path), name="waves")
    assert source.spec.inputs == Wave((4,), 16000)
    np.testing.assert_array_equal(source.arrays().x, x)
    with pytest.raises(ShapeError, match=r"^arch=mlp takes numbers; waves has waves \[4\]$"):
        as_taken(source.spec, Architecture("mlp", lambda: None, ""))
    assert advice(source.spec, lambda entry: True) == "no architecture fits these data"
