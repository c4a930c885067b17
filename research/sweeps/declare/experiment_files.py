"""The declared experiments, of this package and of the current folder; a broken file spoils no
other."""

import functools
import importlib
from collections.abc import Callable
from pathlib import Path

from research.errors import UserError, blamed
from research.registry import load_package
from research.sweeps.experiment import EXPERIMENTS, Experiment


def load(warn: Callable[[str], None]) -> None:
    """Fills EXPERIMENTS, and warns of each file that cannot be imported."""
    for name, reason in _broken().items():
        warn(f"experiments/{name}.py cannot be used: {reason}")


def get(name: str, warn: Callable[[str], None]) -> Experiment:
    """The experiment of that name. Raises UserError with the nearest names, or with what broke its
    file."""
    if reason := _broken().get(name):
        raise UserError(f"experiments/{name}.py cannot be used: {reason}")
    load(warn)
    return EXPERIMENTS.get(name)


@functools.cache
def _broken() -> dict[str, str]:
    """What went wrong in each file that cannot be imported, and in which of its lines."""
    reasons: dict[str, str] = {}
    # Declarations may range over a registry, so it must be full.
    importlib.import_module("research.catalogue")

    # By its name, since imports run downwards: what is declared lies above what it is declared
    # with.
    experiments = importlib.import_module("experiments")

    def failed(module: str, error: Exception) -> None:
        name = module.removeprefix(f"{experiments.__name__}.").replace(".", "/")
        file = Path(experiments.__path__[0], f"{name}.py")
        reason = blamed(error, [str(file)]) or f"{type(error).__name__}: {error}"
        reasons[name] = reason.removeprefix(f"{file}, ")

    here = Path("experiments").resolve()
    if here.is_dir() and not any(
        here.samefile(folder) for folder in experiments.__path__ if Path(folder).is_dir()
    ):
        # First, so that a file of the current folder stands for the package's file of the same
        # name.
        experiments.__path__.insert(0, str(here))
    load_package(experiments.__name__, failed)
    return reasons
