"""Optional libraries: methods whose library requirements-trees.txt installs."""

import importlib
import importlib.util
from typing import Any

from research.errors import UserError


def optional_library(name: str) -> Any:
    """The library. Raises UserError if it is not installed."""
    if missing := installed(name, None, None):
        raise UserError(missing)
    return importlib.import_module(name)


def installed(name: str, config: Any, spec: Any) -> str | None:
    """Its library is installed, as by requirements-trees.txt.

    Args:
        name: of the library, and of its entry.
        config: of any run.
        spec: of any data.

    Returns:
        What is wrong, or None.
    """
    if importlib.util.find_spec(name):
        return None
    return (
        f"arch={name} requires the package {name}, which is not installed;"
        " run: pip install --no-deps -r requirements-trees.txt"
    )
