"""Fixtures: a cache shared by the tests, the prepared sets of this machine, and small TFDS sets made on the spot."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

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
        pytest.skip(f"{', '.join(missing)} not prepared in {directory}; set TFDS_DATA_DIR to run this test")
    return str(directory)


@pytest.fixture
def make_set(tmp_path: Path) -> Callable[..., str]:
    """`make_set(name, features, {"train": [example, ...]})` prepares a TFDS set and returns its data directory."""
    import tensorflow_datasets as tfds

    def make(
        name: str,
        features: Mapping[str, Any],
        splits: Mapping[str, list[Any]],
        supervised: tuple[str, str] | None = None,
        version: str = "1.0.0",
    ) -> str:
        class Info(tfds.core.DatasetInfo):
            def initialize_from_bucket(self) -> None:
                """TFDS's own leaves an empty folder in /tmp behind."""

        class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
            VERSION = tfds.core.Version(version)

            def _info(self) -> Any:
                return Info(
                    builder=self,
                    features=tfds.features.FeaturesDict(dict(features)),
                    supervised_keys=supervised,
                    disable_shuffling=True,
                )

            def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[Any]]:
                return {split: iter(enumerate(examples)) for split, examples in splits.items()}

            def _generate_examples(self) -> None:
                raise NotImplementedError  # TFDS demands the method, and calls it only for _split_generators

        Builder.name = name
        Builder(data_dir=str(tmp_path / "sets"), file_format="array_record").download_and_prepare()
        return str(tmp_path / "sets")

    return make
