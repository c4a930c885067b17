"""Fills the registries: importing this imports every file that has an entry."""

from research.registry import load_package

for _package in (
    "data",
    "models",
    "baselines",
    "optim",
    "regularization",
    "tasks",
    "sweeps.ensembles",
    "sweeps.estimates",
):
    load_package(f"research.{_package}")
