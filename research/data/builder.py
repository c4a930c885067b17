"""The TFDS builder of a table in memory: how bundled tables, csv files and folders become prepared TFDS sets."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from research.data import reader
from research.data.decoded import open_decoded
from research.data.spec import Source
from research.data.table import Table
from research.errors import UserError


def open_built(load: Callable[[], Table], key: str, version: str, *, cache_dir: str, **known: Any) -> Source:
    """The source of the table that `load()` returns, prepared as a TFDS set under `cache_dir` the first time.

    key, version: the TFDS set's name and version; other content needs others. known: as in open_decoded.
    """

    def read() -> Table:
        directory = Path(cache_dir) / "tensorflow_datasets" / key / version
        if not directory.is_dir():
            prepare(load(), key, version, directory.parent.parent)
        return reader.read(directory)

    return open_decoded(f"{key}-{version}", read, cache_dir=cache_dir, **known)


def prepare(table: Table, name: str, version: str, root: Path) -> Path:
    """Writes `root/name/version` in TFDS's layout (array_record), without TensorFlow; returns that directory.

    Whole or not at all: TFDS fills a directory of another name and renames it, and where two processes do it at
    once the first one stays. Raises UserError if `root` cannot be written.
    """
    import tensorflow_datasets as tfds

    class TableBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
        """Examples of {"x": Tensor, "y": ClassLabel or Scalar}, in the table's order."""

        VERSION = tfds.core.Version(version)

        def _info(self) -> Any:
            target = (
                tfds.features.ClassLabel(names=list(table.classes))
                if table.classes
                else tfds.features.Scalar(dtype=table.y.dtype)
            )
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(
                    {"x": tfds.features.Tensor(shape=table.x.shape[1:], dtype=table.x.dtype), "y": target}
                ),
                supervised_keys=("x", "y"),
                disable_shuffling=True,
                metadata=tfds.core.MetadataDict(columns=list(table.features), maximum=table.maximum),
            )

        def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
            train = len(table.x) - table.test_size
            parts = {"train": range(train), "test": range(train, len(table.x))}
            return {part: self._generate_examples(rows) for part, rows in parts.items() if rows}

        def _generate_examples(self, rows: range) -> Any:
            for row in rows:
                yield row, {"x": table.x[row], "y": table.y[row]}

    TableBuilder.name = name
    directory = root / name / version
    try:
        builder = TableBuilder(data_dir=str(root), file_format="array_record")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            builder.download_and_prepare()
    except OSError as error:
        if not directory.is_dir():
            raise UserError(f"cannot write the cache directory {root.parent}: {error}") from None
    return directory
