"""The bundled tables against scikit-learn's own, and what happens when two processes prepare them
at once."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
import tensorflow_datasets as tfds

from research.data import reader
from research.data.features.numbers import Numbers
from research.data.source import open_source
from research.errors import UserError
from research.registry import DATASETS

ROOT = Path(__file__).parents[2]


def test_digits_are_images(cache):
    source = open_source("digits", {}, data_dir=None, cache_dir=cache)
    spec, (x, y, own_test, *_) = source.spec, source.arrays()
    reference = sklearn.datasets.load_digits()
    np.testing.assert_array_equal(x[..., 0], reference.images)
    np.testing.assert_array_equal(y, reference.target)
    assert (x.dtype, y.dtype, len(own_test)) == (np.uint8, np.int32, 0)
    assert (spec.task, spec.inputs.shape, spec.inputs.as_a(Numbers).maximum, spec.size) == (
        "classification",
        (8, 8, 1),
        16.0,
        1797,
    )
    assert spec.targets.classes == tuple("0123456789")
    assert spec.inputs.as_a(Numbers).names == ()
    assert spec.split_by_seed


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_tables(name, cache):
    source = open_source(name, {}, data_dir=None, cache_dir=cache)
    x, y, *_ = source.arrays()
    reference = getattr(sklearn.datasets, f"load_{name}")()
    np.testing.assert_array_equal(x, reference.data.astype(np.float32))
    np.testing.assert_array_equal(y, reference.target)
    assert source.spec.inputs.as_a(Numbers).names == tuple(reference.feature_names)
    assert source.spec.targets.classes == tuple(reference.target_names)
    assert (source.spec.inputs.shape, source.spec.inputs.as_a(Numbers).maximum) == (
        x.shape[1:],
        1.0,
    )


def test_diabetes_is_a_regression_in_its_own_units(cache):
    source = open_source("diabetes", {}, data_dir=None, cache_dir=cache)
    x, y, *_ = source.arrays()
    reference = sklearn.datasets.load_diabetes(scaled=False)
    np.testing.assert_array_equal(x, reference.data.astype(np.float32))
    np.testing.assert_array_equal(y, reference.target)
    assert (source.spec.task, source.spec.targets.classes, y.dtype) == (
        "regression",
        (),
        np.float32,
    )
    assert x[:, 0].max() == 79  # years


def test_prepared_as_a_tfds_set(cache):
    """The first row of iris; stored as float32, so equal to 1e-7."""
    open_source("iris", {}, data_dir=None, cache_dir=cache)
    builder = tfds.builder_from_directory(
        str(Path(cache) / "tensorflow_datasets" / "iris" / "1.0.0")
    )
    example = builder.as_data_source("train")[0]
    np.testing.assert_allclose(example["x"], [5.1, 3.5, 1.4, 0.2])
    assert builder.info.features["y"].int2str(example["y"]) == "setosa"


def test_fingerprint_is_of_the_content(cache, tmp_path):
    here, there = (
        open_source("wine", {}, data_dir=None, cache_dir=c) for c in (cache, str(tmp_path))
    )
    assert here.spec == there.spec
    assert here.directory != there.directory
    names = ("digits", "iris", "wine", "breast_cancer", "diabetes")
    prints = {
        open_source(name, {}, data_dir=None, cache_dir=cache).spec.fingerprint for name in names
    }
    assert len(prints) == len(names)


@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        ("digits", "ad050a5535962254d8aa376aac75165a"),
        ("iris", "d04d511c6731a58aac5a5b2b0abbb0dc"),
        ("diabetes", "2111181d5e55b64e4f73e49fd133ca0b"),
    ],
)
def test_fingerprints_stay_what_they_were(name, fingerprint, cache):
    """A record is found by it."""
    assert open_source(name, {}, data_dir=None, cache_dir=cache).spec.fingerprint == fingerprint


def test_two_processes_prepare_at_once(tmp_path):
    code = (
        "import sys; from research.data.source import open_source;"
        "s = open_source('digits', {}, data_dir=None, cache_dir=sys.argv[1]);"
        "print(s.spec.fingerprint, s.arrays().x.sum())"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    runs = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
        for _ in range(2)
    ]
    outputs = [run.communicate(timeout=120) for run in runs]
    assert outputs[0][0] == outputs[1][0] != b"", outputs
    assert [run.returncode for run in runs] == [0, 0]
    assert [path.name for path in (tmp_path / "arrays").iterdir()] == [
        f"digits-1.0.0-{reader.VERSION}"
    ]
    assert [path.name for path in (tmp_path / "tensorflow_datasets" / "digits").iterdir()] == [
        "1.0.0"
    ]


def test_reading_again_imports_nothing_heavy(cache):
    open_source("digits", {}, data_dir=None, cache_dir=cache)
    code = (
        "import sys; from research.data.source import open_source;"
        "open_source('digits', {}, data_dir=None, cache_dir=sys.argv[1]).arrays();"
        "print({'sklearn', 'tensorflow_datasets', 'PIL', 'tensorflow', 'grain'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, cache], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert run.stdout == "set()\n"


def test_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write the cache directory .*file"):
        open_source("iris", {}, data_dir=None, cache_dir=str(tmp_path / "file"))


def test_damaged_copy_is_named(tmp_path):
    source = open_source("iris", {}, data_dir=None, cache_dir=str(tmp_path))
    file = source.directory / "x.npy"
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(UserError, match=r"iris-.* is damaged"):
        source.arrays()


def test_arrays_cannot_be_changed(cache):
    x, *_ = open_source("iris", {}, data_dir=None, cache_dir=cache).arrays()
    with pytest.raises(ValueError, match="read-only"):
        x[0] = 0


def test_registry_lists_them():
    entries = {entry.name: entry for entry in DATASETS}
    assert {"digits", "iris", "wine", "breast_cancer", "diabetes", "mnist", "cifar10"} <= set(
        entries
    )
    assert all(entry.summary for entry in entries.values())
    made_up = {
        "dates",
        "moons",
        "noisy_ar2",
        "pure_noise",
        "reverse_strings",
        "shapes",
        "sine_mixture",
        "spelled_letters",
        "spelled_numbers",
        "spirals",
    }
    assert all(entry.paper for name, entry in entries.items() if name not in made_up)


def test_unknown_option(cache):
    with pytest.raises(UserError, match="'iris' has no option 'target'"):
        open_source("iris", {"target": "x"}, data_dir=None, cache_dir=cache)


def test_spec_is_hashable(cache):
    spec = open_source("iris", {}, data_dir=None, cache_dir=cache).spec
    assert hash(spec) == hash(dataclasses.replace(spec))
