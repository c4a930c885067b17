"""Opening a data set by its name, whatever kind it is."""

from collections.abc import Mapping
from typing import Any

from research.data.spec import Source
from research.errors import UserError, nearest
from research.registry import DATASETS, load_package


def open_source(
    name: str,
    options: Mapping[str, Any],
    *,
    data_dir: str | None,
    cache_dir: str,
    task: str = "auto",
) -> Source:
    """`digits`, `csv:FILE`, `folder:DIR`, or any set prepared in `data_dir`, such as `mnist`;
    options as of its entry.

    task: the run's, which the data set is read for if it can be read for several and its own option
        `task` is `auto`.
    data_dir: only read; None for $TFDS_DATA_DIR, else ~/tensorflow_datasets. cache_dir: where
        bundled sets are prepared and decoded arrays kept. Raises UserError for what cannot be
        opened, saying why and what would do.
    """
    load_package("research.data")
    entry = DATASETS.get(name)
    known = {option.name: option for option in entry.options}
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise UserError(
            f"the data set '{name}' has no option '{unknown[0]}'; {nearest(unknown[0], known)}"
        )
    values = {key: known[key].parse(value, key) for key, value in options.items()}
    if "task" in known and task in known["task"].choices and values.get("task", "auto") == "auto":
        values["task"] = task
    return entry.build(**values, data_dir=data_dir, cache_dir=cache_dir)
