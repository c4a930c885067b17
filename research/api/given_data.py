"""Data in memory as a data set: arrays by a digest of their bytes, a pandas frame as a csv file in
the cache."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from research.data import arrays
from research.durable_files import write_atomically
from research.errors import UserError
from research.identity import digest


def with_data(settings: Mapping[str, Any], data: Any, cache_dir: str) -> dict[str, Any]:
    """The settings with a `dataset` that names the data.

    A frame goes through the reader of csv files: its categories, missing values and classes are
    read by the same rules.

    Args:
        settings: the settings of a run.
        data: arrays (x [N, ...], y [N]), a pandas.DataFrame, or None for no data.
        cache_dir: where a frame is written as a csv file.

    Returns:
        A copy of the settings; without data it is unchanged.

    Raises:
        UserError: if `dataset` is given too, or if data is neither a pair of arrays nor a frame.
    """
    if data is None:
        return dict(settings)
    if "dataset" in settings:
        raise UserError("data= and dataset= both say what to train on; leave one of them out")
    if isinstance(data, tuple) and len(data) == 2:
        return {**settings, "dataset": arrays.register(*data)}
    if not hasattr(data, "to_csv"):
        raise UserError(
            f"data is a {type(data).__name__}; expected a pair of arrays (x, y) or a"
            " pandas.DataFrame"
        )
    text = data.to_csv(index=False)
    # The name is a digest of the content, so equal frames share one file and one set of run ids,
    # and an existing file never needs rewriting.
    file = Path(cache_dir) / "frames" / f"{digest(text)}.csv"
    if not file.exists():
        # Atomic, because another process may read a file of this name while it is written.
        write_atomically(file, text)
    return {**settings, "dataset": f"csv:{file}"}
