"""Records in the forms of other tools: one file per tool, each a function of (records, place)."""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path

from research.errors import UserError, nearest
from research.sweeps.records.record import Record

# Each has `export(records, place) -> what was written`, in a line. Tools that are not installed are
# imported there.
FORMS = ("csv", "mlflow", "parquet", "tensorboard", "trackio", "wandb")


def exporter(form: str) -> Callable[[Sequence[Record], Path], str]:
    """The function that writes records in that form. Raises UserError with the nearest names for
    any other."""
    if form not in FORMS:
        raise UserError(f"--to={form}: there is no such form; {nearest(form, FORMS)}")
    module = importlib.import_module(f"research.exports.{form}")
    function: Callable[[Sequence[Record], Path], str] = module.export
    return function


def client(package: str) -> object:
    """A tool's own Python package. Raises UserError where it is not installed."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise UserError(
            f"--to={package} requires the package {package}: pip install {package}"
        ) from None
