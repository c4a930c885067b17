"""Plugins: files of the user's own that add to the catalogue, and the decorators by which they do.

file.py runs one. parts.py has the decorators of what is built with options (networks, optimizers,
regularizers, data sets, tasks), functions.py those of plain functions (losses, metrics, schedules,
callbacks); declared.py is what they share.
"""

from research.plugin.file import load
from research.plugin.functions import callback, loss, metric, schedule
from research.plugin.parts import architecture, dataset, optimizer, regularizer, task

__all__ = [
    "architecture",
    "callback",
    "dataset",
    "load",
    "loss",
    "metric",
    "optimizer",
    "regularizer",
    "schedule",
    "task",
]
