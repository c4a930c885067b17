"""Plugins: a user's own files that add to the catalogue, and the decorators by which they do.

In reading order: file.py runs a file. component_decorators.py has the decorators of what is built
with options (networks, objectives, optimizers, regularizers, tasks), data_decorators.py those of
data sets and environments, estimator_decorator.py that of host estimators, function_decorators.py
those of plain functions (losses, metrics, schedules, callbacks), and protocol_decorators.py those
of how runs are evaluated (splitters, estimates, ensembles). declaration.py is what all share.
"""

from research.data.data_table import Table
from research.data.features.feature import feature
from research.plugin.component_decorators import (
    architecture,
    objective,
    optimizer,
    regularizer,
    task,
)
from research.plugin.data_decorators import dataset, environment
from research.plugin.estimator_decorator import estimator
from research.plugin.file import load
from research.plugin.function_decorators import callback, loss, metric, schedule
from research.plugin.protocol_decorators import ensemble, estimate, splitter

__all__ = [
    "Table",
    "architecture",
    "callback",
    "dataset",
    "ensemble",
    "environment",
    "estimate",
    "estimator",
    "feature",
    "load",
    "loss",
    "metric",
    "objective",
    "optimizer",
    "regularizer",
    "schedule",
    "splitter",
    "task",
]
