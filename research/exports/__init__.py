"""Records in the formats of other tools, one module per tool."""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path

from research.errors import UserError, nearest
from research.sweeps.records.record import Record

# Each module has `export(records, directory)`, which returns a line about what it wrote. They are
# imported on request, since their tools are optional and slow to import.
FORMS = ("csv", "mlflow", "parquet", "tensorboard", "trackio", "wandb")


def exporter(form: str) -> Callable[[Sequence[Record], Path], str]:
    """The function that writes records in that format.

    Raises:
        UserError: if there is no such format, with the nearest names.
    """
    if form not in FORMS:
        raise UserError(f"--to={form}: there is no such format; {nearest(form, FORMS)}")
    module = importlib.import_module(f"research.exports.{form}")
    function: Callable[[Sequence[Record], Path], str] = module.export
    return function


def client(package: str) -> object:
    """The Python package of a tool.

    Raises:
        UserError: if it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        raise UserError(
            f"--to={package} requires the package {package}: pip install {package}"
        ) from None
