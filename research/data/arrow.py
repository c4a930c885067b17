"""pyarrow, imported when the first csv file is read: no other run waits for it."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as arrow_csv
else:

    class _Later:
        """A module that is imported when something of it is used."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, attribute: str) -> Any:
            return getattr(importlib.import_module(self._name), attribute)

    pa = _Later("pyarrow")
    pc = _Later("pyarrow.compute")
    arrow_csv = _Later("pyarrow.csv")

__all__ = ["arrow_csv", "pa", "pc"]
