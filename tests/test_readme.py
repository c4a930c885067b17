"""The README: it is short, and its table has the arms that are declared. Its commands run in
test_docs.py."""

from pathlib import Path

import research.catalogue  # noqa: F401  (fills the registries that experiments read)
from research.registry import load_package
from research.sweeps.experiment import EXPERIMENTS

README = (Path(__file__).parents[1] / "README.md").read_text()
MOST_LINES = 150


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= MOST_LINES


def test_table_is_the_one_that_is_declared() -> None:
    load_package("experiments")
    experiment = EXPERIMENTS.get("regularization")
    table = README.split("<!-- table -->")[1].split("<!-- end of table -->")[0]
    for column in experiment.columns:
        rows = table.split(f"**{column.label}**")[1].split("**test ")[0].splitlines()
        first_cells = [line.split("|")[1].strip() for line in rows if line.startswith("|")]
        arms = [cell.removesuffix(" (baseline)") for cell in first_cells[2:]]
        assert arms == list(experiment.arms)
    assert f"n = {experiment.seeds} seeds" in " ".join(table.split())
