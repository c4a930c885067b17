"""The TFDS builder of a table: how bundled tables, csv files and folders become prepared TFDS
sets."""

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from research.data import reader
from research.data.array_cache import open_cached
from research.data.data_table import Table
from research.data.progress_bar import progress
from research.data.spec import Source
from research.errors import UserError

# TFDS keeps the examples of the shard that it writes.
SHARD_BYTES = 64 << 20


def open_built(
    load: Callable[[], Table], key: str, version: str, *, cache_dir: str, **known: Any
) -> Source:
    """The source of a table that is prepared as a TFDS set under `cache_dir` the first time.

    Args:
        load: returns the table.
        key: the TFDS set's name; other content requires another name or version.
        version: the TFDS set's version, such as 1.0.0.
        cache_dir: where the set is prepared and its arrays are kept.
        **known: names and fields of the spec, as in `open_cached`.
    """

    def prepared() -> Path:
        directory = Path(cache_dir) / "tensorflow_datasets" / key / version
        return (
            directory
            if directory.is_dir()
            else prepare(load(), key, version, directory.parent.parent)
        )

    return open_cached(f"{key}-{version}-{reader.VERSION}", prepared, cache_dir=cache_dir, **known)


def prepare(table: Table, name: str, version: str, root: Path) -> Path:
    """Writes `root/name/version` in TFDS's layout (array_record), without TensorFlow.

    The set is written whole or not at all: TFDS fills a directory of another name and renames it,
    and
    of two processes that do so at once the first one wins. Rows are taken one by one, and memory
    holds
    at most one shard of them.

    Args:
        table: inputs [N, ...] and targets [N, ...].
        name: the TFDS set's name.
        version: the TFDS set's version.
        root: the folder of all sets.

    Returns:
        The directory that was written.

    Raises:
        UserError: `root` cannot be written.
    """
    import tensorflow_datasets as tfds

    size = table.x.shape[0]
    bar = progress(size, f"preparing {name}", "row")

    class Info(tfds.core.DatasetInfo):
        """TFDS's, which would look for the set in a bucket and leave an empty directory of /tmp
        behind."""

        def initialize_from_bucket(self) -> None:
            pass

    # By shard, since a GeneratorBasedBuilder keeps all examples, and from 1 GB on needs TensorFlow.
    class TableBuilder(tfds.core.ShardBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
        """Examples of {"x": Tensor, "y": ClassLabel or Scalar}, in the table's order."""

        VERSION = tfds.core.Version(version)

        def _info(self) -> Any:
            of_steps: dict[str, Any] = {
                "classes": table.classes,
                "vocabulary": table.vocabulary,
                "task": table.task,
            }
            of_steps |= {"source": table.source} if table.source else {}
            of_steps |= {"end": table.end} if table.end else {}
            of_reading = {
                "notes": table.notes,
                "origin": table.origin,
                "target_origin": table.target_origin,
            }
            of_reading |= {} if _are_lines(table.classes) else {"classes": table.classes}
            if table.y.ndim > 1:
                # As numbers a mask of many pixels is slow to read and write, and float64 becomes
                # float32.
                needs_bytes = table.y.ndim > 2 or table.y.dtype == np.float64
                as_bytes = {"encoding": tfds.features.Encoding.BYTES} if needs_bytes else {}
                target = tfds.features.Tensor(
                    shape=table.y.shape[1:], dtype=table.y.dtype, **as_bytes
                )
            elif table.classes:
                names = list(table.classes) if _are_lines(table.classes) else None
                target = tfds.features.ClassLabel(
                    names=names, num_classes=None if names else len(table.classes)
                )
            elif table.y.dtype == np.float64:
                as_bytes = {"encoding": tfds.features.Encoding.BYTES}
                target = tfds.features.Tensor(shape=(), dtype=np.float64, **as_bytes)
            else:
                target = tfds.features.Scalar(dtype=table.y.dtype)
            return Info(
                builder=self,
                features=tfds.features.FeaturesDict(
                    {
                        "x": tfds.features.Tensor(
                            shape=table.x.shape[1:],
                            dtype=table.x.dtype,
                            # Bytes: a photograph written as numbers takes 300 times as long.
                            encoding=tfds.features.Encoding.BYTES,
                        ),
                        "y": target,
                    }
                ),
                supervised_keys=("x", "y"),
                disable_shuffling=True,
                metadata=tfds.core.MetadataDict(
                    {"columns": list(table.features), "maximum": table.maximum}
                    | (of_steps if table.task or table.vocabulary else {})
                    | {name: value for name, value in of_reading.items() if value}
                ),
            )

        def _log_download_bytes(self) -> None:
            """Nothing is downloaded."""

        def _log_download_done(self) -> None:
            """The bar is full."""

        def _shard_iterators_per_split(self, dl_manager: Any) -> dict[str, Any]:
            # TFDS takes the shards in their order, each to its end.
            examples = _examples(table, bar)
            parts = {"train": size - table.test_size, "test": table.test_size}
            return {
                part: [
                    functools.partial(itertools.islice, examples, count)
                    for count in _shards(table, rows_of_part)
                ]
                for part, rows_of_part in parts.items()
                if rows_of_part
            }

    TableBuilder.name = name
    directory = root / name / version
    try:
        builder = TableBuilder(data_dir=str(root), file_format="array_record")
        # Its own bars say nothing of the rows.
        tfds.disable_progress_bar()
        with bar:
            builder.download_and_prepare()
    except (OSError, RuntimeError) as error:
        # array_record reports a full disk in this way.
        if isinstance(error, RuntimeError) and "write() failed" not in str(error):
            raise
        if not directory.is_dir():
            reason = getattr(error, "strerror", None) or error
            raise UserError(
                f"cannot write the cache directory {root.parent}: {reason}; name another with"
                " --cache_dir"
            ) from None
    return directory


def _examples(table: Table, bar: tqdm) -> Iterator[tuple[int, dict[str, Any]]]:
    for place, (x, y) in enumerate(zip(table.x, table.y, strict=True)):
        # Counted before the yield, since nobody resumes this generator after the last row.
        bar.update()
        yield place, {"x": x, "y": y}


def _are_lines(classes: Sequence[str]) -> bool:
    """Whether the names come back from a file with a line for each, as TFDS keeps them."""
    return all(
        name and name == name.strip() and "\n" not in name and "\r" not in name for name in classes
    )


def _shards(table: Table, size: int) -> Iterator[int]:
    """The rows of each shard of a part of `size` rows."""
    most = max(1, SHARD_BYTES // max(1, math.prod(table.x.shape[1:]) * table.x.dtype.itemsize))
    yield from (min(most, size - first) for first in range(0, size, most))
