"""The library from Python and notebooks: `import research as rs`, then rs.train, rs.sweep, rs.tune.

In reading order: calls.py and tune_calls.py (the functions), settings.py (keywords as settings),
given_data.py and raw_inputs.py (arrays and frames), workspace.py (the folders), run_result.py,
folds_result.py, sweep_result.py, tune_result.py, nested_tune_result.py, table_result.py,
importance_result.py, experiment_result.py and named_columns.py (what the functions return).
"""

from research.api.calls import experiment, explain, list, load, sweep, table, train
from research.api.experiment_result import ExperimentResult
from research.api.folds_result import FoldsResult
from research.api.importance_result import ImportanceResult
from research.api.named_columns import Columns
from research.api.nested_tune_result import NestedTuneResult
from research.api.run_result import RunResult
from research.api.sweep_result import SweepResult
from research.api.table_result import TableResult
from research.api.tune_calls import tune, tune_nested
from research.api.tune_result import TuneResult
from research.errors import UserError

__all__ = [
    "Columns",
    "ExperimentResult",
    "FoldsResult",
    "ImportanceResult",
    "NestedTuneResult",
    "RunResult",
    "SweepResult",
    "TableResult",
    "TuneResult",
    "UserError",
    "experiment",
    "explain",
    "list",
    "load",
    "sweep",
    "table",
    "train",
    "tune",
    "tune_nested",
]
