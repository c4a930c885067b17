"""The library from Python and notebooks: `import research as rs`, then rs.train, rs.sweep,
rs.experiment.

In reading order: functions.py (what is called), settings.py (keywords as settings), workspace.py
(where records lie), run.py, sweep.py, table.py and columns.py (what is returned).
"""

from research.api.columns import Columns
from research.api.functions import experiment, list, load, sweep, table, train
from research.api.run import Run
from research.api.sweep import Sweep
from research.api.table import Table
from research.errors import UserError

__all__ = [
    "Columns",
    "Run",
    "Sweep",
    "Table",
    "UserError",
    "experiment",
    "list",
    "load",
    "sweep",
    "table",
    "train",
]
