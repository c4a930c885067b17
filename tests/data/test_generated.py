"""Generated sequences: what a row is, its baselines, the same rows from the same seed, and MNIST
pixel by pixel."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from research.data.builder import open_built, prepare
from research.data.data_table import Table
from research.data.features.image import Image
from research.data.features.label import Label
from research.data.generated import adding, pixels
from research.data.source import open_source
from research.data.spec import Arrays, DataSpec
from research.errors import UserError
from tests.support.engine import InMemorySource

SMALL = {"length": 12, "size": 900, "test": 100}


def opened(name, cache, data_dir=None, **options):
    return open_source(name, options, data_dir=data_dir, cache_dir=cache)


def test_the_adding_problem(cache):
    """A target is the sum of the marked numbers, within float32 rounding."""
    source = opened("adding", cache, **SMALL)
    spec, (x, y, own_test, *_) = source.spec, source.arrays()
    assert (spec.task, spec.inputs.shape, spec.size, spec.test_size) == (
        "regression",
        (12, 2),
        1000,
        100,
    )
    assert list(own_test) == list(range(900, 1000))
    assert x.dtype == y.dtype == np.float32
    assert (x[..., 0] >= 0).all()
    assert (x[..., 0] < 1).all()
    marks = x[..., 1]
    assert set(np.unique(marks)) == {0, 1}
    assert (marks[:, :6].sum(1) == 1).all()
    assert (marks[:, 6:].sum(1) == 1).all()
    np.testing.assert_allclose(y, (x[..., 0] * marks).sum(1), rtol=1e-6)
    # The squared error of always answering 1 is 1/6: within 5 standard errors of 1000 rows (var of
    # (u+v-1)² is 7/180).
    assert abs(np.mean((y - 1) ** 2) - 1 / 6) < 5 * np.sqrt(7 / 180 / 1000)


def test_adding_numbers_of_series_of_other_lengths(cache):
    """A target is the sum of the marked numbers, within float32 rounding."""
    source = opened("adding", cache, **SMALL, shortest=4)
    spec, (x, y, *_) = source.spec, source.arrays()
    assert spec.inputs.ragged
    assert not opened("adding", cache, **SMALL).spec.inputs.ragged
    lengths = (~np.isnan(x[..., 0])).sum(1)
    assert set(lengths) == set(range(4, 13))
    np.testing.assert_array_equal(np.isnan(x).all(2), np.arange(12) >= lengths[:, None])
    for row, length in zip(x, lengths, strict=True):
        assert row[: length // 2, 1].sum() == row[length // 2 : length, 1].sum() == 1
    np.testing.assert_allclose(y, np.nansum(x[..., 0] * x[..., 1], axis=1), rtol=1e-6)
    with pytest.raises(UserError, match="shortest=13 is longer than length=12"):
        opened("adding", cache, **SMALL, shortest=13)


@pytest.mark.parametrize("masked", [False, True])
def test_copy_memory(cache, masked):
    source = opened("copy_memory", cache, **SMALL, masked=masked)
    spec, (x, y, *_) = source.spec, source.arrays()
    assert (spec.task, spec.inputs.shape, spec.targets.shape) == (
        "step_classification",
        (32,),
        (32,),
    )
    assert spec.inputs.tokens.vocabulary == spec.targets.classes == ("blank", *"12345678", "recall")
    assert not spec.targets.stratified
    assert x.dtype == y.dtype == np.int32
    symbols = x[:, :10]
    assert set(np.unique(symbols)) == set(range(1, 9))
    assert (x[:, 10:21] == 0).all()
    assert (x[:, 21:] == 9).all()
    np.testing.assert_array_equal(y[:, -10:], symbols)
    assert (y[:, :-10] == (-1 if masked else 0)).all()


def test_a_seed_is_its_rows(cache, tmp_path):
    first = opened("adding", cache, **SMALL)
    again = opened("adding", str(tmp_path), **SMALL)
    other = opened("adding", cache, **SMALL, seed=1)
    np.testing.assert_array_equal(first.arrays().x, again.arrays().x)
    assert first.spec == again.spec
    assert first.spec.fingerprint != other.spec.fingerprint
    assert opened("adding", cache, **SMALL).directory == first.directory


def test_images_pixel_by_pixel():
    draw = np.random.default_rng(0)
    x, y = draw.integers(0, 256, (20, 4, 3, 1), np.uint8), np.arange(20, dtype=np.int32) % 2
    spec = DataSpec(
        "mnist",
        "classification",
        Image((4, 3, 1), maximum=255.0),
        Label(names=("a", "b")),
        20,
        5,
        "f",
        note="a note",
    )
    images = InMemorySource(spec, Arrays(x, y, np.arange(15, 20)))
    series, permuted = pixels(images, None), pixels(images, 2)
    for table in (series, permuted):
        assert (table.x.shape, table.x.dtype, table.maximum, table.test_size) == (
            (20, 12, 1),
            np.uint8,
            255,
            5,
        )
        assert (table.classes, table.note) == (("a", "b"), "a note")
        np.testing.assert_array_equal(table.y, y)
    np.testing.assert_array_equal(series.x.reshape(x.shape), x)
    # One order for all images: pixels are moved whole.
    order = [
        int(np.flatnonzero((series.x == permuted.x[:, [place]]).all((0, 2)))[0])
        for place in range(12)
    ]
    assert sorted(order) == list(range(12))
    assert order != list(range(12))
    np.testing.assert_array_equal(series.x[:, order], permuted.x)


def test_bytes_in_series_stay_bytes(cache):
    table = Table(
        np.arange(24, dtype=np.uint8).reshape(4, 6, 1),
        np.arange(4, dtype=np.int32),
        tuple("abcd"),
        maximum=255,
    )
    source = open_built(lambda: table, "series", "1.0.0", cache_dir=cache, name="series")
    assert source.arrays().x.dtype == np.uint8
    np.testing.assert_array_equal(source.arrays().x, table.x)


def test_tokens_stay_tokens_whatever_they_are_for(cache):
    table = Table(
        np.arange(-1, 7, dtype=np.int32).reshape(4, 2),
        np.arange(4, dtype=np.int32),
        tuple("abcd"),
        vocabulary=tuple("stuvwxy"),
    )
    source = open_built(lambda: table, "tokens", "1.0.0", cache_dir=cache, name="tokens")
    assert (source.spec.inputs.tokens.vocabulary, source.spec.targets.classes) == (
        table.vocabulary,
        table.classes,
    )
    assert source.spec.task == "classification"
    np.testing.assert_array_equal(source.arrays().x, table.x)


def test_notes_are_kept_and_are_no_part_of_the_fingerprint(cache):
    x, y = np.arange(4, dtype=np.float32)[:, None], np.arange(4, dtype=np.float32)
    tables = {
        name: Table(x, y, features=("a",), notes=notes)
        for name, notes in [("plain", ()), ("noted", ("b", "c"))]
    }
    specs = {
        name: (
            open_built(
                lambda name=name: tables[name], name, "1.0.0", cache_dir=cache, name=name
            ).spec
        )
        for name in tables
    }
    assert specs["noted"].notes == ("b", "c")
    assert specs["noted"].fingerprint == specs["plain"].fingerprint


def test_sets_that_are_written_side_by_side_leave_the_output_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = sys.stdout, sys.stderr
    tables = {f"side_{place}": adding(4, 40, 10, place) for place in range(4)}
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda name: prepare(tables[name], name, "1.0.0", tmp_path), tables))
    assert all(directory.is_dir() for directory in done)
    assert (sys.stdout, sys.stderr) == (out, err)
    assert capsys.readouterr().out == ""
