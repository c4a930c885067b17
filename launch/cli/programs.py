"""The programs of this package: their names and what each does, read from their files without
running them."""

import ast
from pathlib import Path

from research.words import first_sentence

# In the order in which a newcomer needs them.
ORDER = (
    "train",
    "sweep",
    "tune",
    "plan",
    "table",
    "audit",
    "power",
    "variance",
    "status",
    "runs",
    "list",
    "evaluate",
    "explain",
    "embed",
    "generate",
    "verify",
    "check",
    "export",
    "package",
    "doctor",
    "benchmark",
    "completion",
)
# Flags that people look for in other programs than those that have them.
ELSEWHERE = {
    "accept_code": "launch.sweep and launch.table",
    "retry_failed": "launch.sweep and launch.table",
    "seeds": "launch.sweep",
    "grid": "launch.sweep",
    "zip": "launch.sweep",
    "samples": "launch.sweep",
    "sample": "launch.sweep and launch.tune",
    "trials": "launch.tune",
    "report_seeds": "launch.tune",
    "figures": "launch.table and launch.tune",
}


def programs() -> dict[str, str]:
    """What each program does, in a sentence, by its name."""
    return {name: _summary(Path(__file__).parents[1] / f"{name}.py") for name in ORDER}


def _summary(file: Path) -> str:
    document = ast.get_docstring(ast.parse(file.read_text())) or ""
    return first_sentence(document)
