"""Plugins: a user's own files that add to the catalogue, and the decorators by which they do.

In reading order: file.py runs a file. component_decorators.py has the decorators of what is built
with options (networks, objectives, optimizers, regularizers, data sets, tasks),
function_decorators.py those of plain functions (losses, metrics, schedules, callbacks).
declaration.py is what both share.
"""

from research.plugin.component_decorators import (
    architecture,
    dataset,
    objective,
    optimizer,
    regularizer,
    task,
)
from research.plugin.file import load
from research.plugin.function_decorators import callback, loss, metric, schedule

__all__ = [
    "architecture",
    "callback",
    "dataset",
    "load",
    "loss",
    "metric",
    "objective",
    "optimizer",
    "regularizer",
    "schedule",
    "task",
]
