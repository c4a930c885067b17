"""Fixtures: a cache shared by the tests, the prepared sets of this machine, and small TFDS sets
made on the spot."""

import functools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import tfds_sets

SHARED = Path(__file__).parents[2] / ".." / "shared" / "tensorflow_datasets"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def prepared_sets() -> str:
    """The directory with mnist and cifar10; the test is skipped where there is none."""
    directory = Path(os.environ.get("TFDS_DATA_DIR", SHARED))
    missing = [name for name in ("mnist", "cifar10") if not (directory / name).is_dir()]
    if missing:
        pytest.skip(
            f"{', '.join(missing)} not prepared in {directory}; set TFDS_DATA_DIR to run this test"
        )
    return str(directory)


@pytest.fixture
def make_set(tmp_path: Path) -> Callable[..., str]:
    """`make_set(name, features, {"train": [example, ...]})` prepares a TFDS set and returns its
    data directory."""
    return functools.partial(tfds_sets.make_set, tmp_path / "sets")
