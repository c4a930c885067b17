"""The declared experiments: every file of experiments/, of which a broken one spoils no other."""

import functools
import traceback
from collections.abc import Callable

from research.errors import UserError
from research.registry import load_package
from research.sweeps.experiment import EXPERIMENTS, Experiment


def load(warn: Callable[[str], None]) -> None:
    """Fills EXPERIMENTS, and warns of each file that cannot be imported."""
    for file, error in _broken().items():
        warn(f"{file} cannot be used: {_cause(error)}")


def get(name: str, warn: Callable[[str], None]) -> Experiment:
    """The experiment of that name. Raises UserError with the nearest names, or with what broke its file."""
    error = _broken().get(f"experiments/{name}.py")
    if error is not None:
        raise UserError(f"experiments/{name}.py cannot be used: {_cause(error)}\n{_trace(error).rstrip()}")
    load(warn)
    return EXPERIMENTS.get(name)


@functools.cache
def _broken() -> dict[str, Exception]:
    """What went wrong in each file that cannot be imported."""
    errors: dict[str, Exception] = {}
    load_package("experiments", lambda module, error: errors.update({f"{module.replace('.', '/')}.py": error}))
    return errors


def _cause(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _trace(error: Exception) -> str:
    """The traceback from the file's own lines on, without the machinery that imported it."""
    frame = error.__traceback__
    while frame is not None and "experiments" not in frame.tb_frame.f_globals.get("__name__", ""):
        frame = frame.tb_next
    return "".join(traceback.format_exception(type(error), error, frame))
