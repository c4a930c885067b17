"""Records in the formats of other tools, one module per tool."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from research.errors import UserError, nearest
from research.sweeps.records.record import Record

# Each module has an Exporter named `export`. They are imported on request, since their tools are
# optional and slow to import.
FORMS = ("csv", "mlflow", "parquet", "tensorboard", "trackio", "wandb")


class Exporter(Protocol):
    """Writes records for a tool, and returns a line about what it wrote."""

    def __call__(
        self, records: Sequence[Record], directory: Path, artifacts: Path | None = None
    ) -> str:
        """Writes the records.

        Args:
            records: the records.
            directory: is made if it does not exist.
            artifacts: a folder of tables and figures, which is attached where the tool stores
                files; None: there are none.
        """


def exporter(form: str) -> Exporter:
    """The function that writes records in that format.

    Raises:
        UserError: if there is no such format, with the nearest names.
    """
    if form not in FORMS:
        raise UserError(f"--to={form}: there is no such format; {nearest(form, FORMS)}")
    module = importlib.import_module(f"research.exports.{form}")
    function: Exporter = module.export
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
