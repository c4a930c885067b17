"""Opening a data set by its name, whatever kind it is."""

from collections.abc import Mapping
from typing import Any

from research.data.spec import Source
from research.errors import UserError, nearest
from research.registry import DATASETS, TASKS, load_package


def open_source(
    name: str,
    options: Mapping[str, Any],
    *,
    data_dir: str | None,
    cache_dir: str,
    task: str = "auto",
) -> Source:
    """Opens a data set: `digits`, `csv:FILE`, `folder:DIR`, or a set prepared in `data_dir`, such
    as
    `mnist`.

    Args:
        name: the data set.
        options: the options of its entry.
        data_dir: prepared sets, only read; None: $TFDS_DATA_DIR, else ~/tensorflow_datasets.
        cache_dir: where bundled sets are prepared and decoded arrays kept.
        task: the run's task. A data set that can be read for several tasks is read for this one,
            unless
            its own option `task` names another.

    Raises:
        UserError: the set cannot be opened; the message says why and what would help.
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
    elif "target" in known and not values.get("target") and _needs_no_target(task):
        # A file that names no target has none for a task that reads none.
        values["task"] = "unlabelled"
    return entry.build(**values, data_dir=data_dir, cache_dir=cache_dir)


def _needs_no_target(task: str) -> bool:
    """Whether a task reads any data set, whatever its labels."""
    return task in TASKS and TASKS.get(task).sees is not None
