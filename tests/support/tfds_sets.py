"""Small sets in the layout of TFDS, made on the spot."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def make_set(
    data_dir: Path,
    name: str,
    features: Mapping[str, Any],
    splits: Mapping[str, list[Any]],
    supervised: tuple[str, str] | None = None,
    version: str = "1.0.0",
) -> str:
    """Prepares a set of these splits, {"train": [example, ...]}, in `data_dir`, and returns
    that."""
    import tensorflow_datasets as tfds

    class Info(tfds.core.DatasetInfo):
        def initialize_from_bucket(self) -> None:
            """TFDS's own leaves an empty folder in /tmp behind."""

    # mypy reads the lazy modules of TFDS as objects without this keyword.
    class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
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
    Builder(data_dir=str(data_dir), file_format="array_record").download_and_prepare()
    return str(data_dir)
