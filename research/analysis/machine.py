"""CSV and JSON: what programs read, with every number in full precision (its shortest exact form)."""

import csv
import io
import json
from typing import Any

from research.analysis.layout import Tabular


def to_csv(table: Tabular) -> str:
    """A line per row and metric (or per run); an empty field is a value that there is not."""
    rows = table.flat()
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _field(value) for key, value in row.items()} for row in rows)
    return out.getvalue()


def _field(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(float(value)) if isinstance(value, float) else value


def to_json(table: Tabular) -> str:
    """The whole table with per-seed values and run ids; null is a value that there is not."""
    return json.dumps(table.tree(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
