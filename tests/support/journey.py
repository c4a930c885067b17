"""Runs `launch.train` once and prints, as JSON, which files of the project it passes through.

run: files of which a function was called. learning_rate, dropout: files that the setting passes
through until it is used: those whose functions were given its text or its number before, and those
on the stack where the number is used, in the update and in the mask. A thread's stack goes on with
that of its start.
"""

import ast
import importlib
import json
import pkgutil
import runpy
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import jax
import optax

import research

ROOT = str(Path(__file__).parents[2])
VALUES = {"learning_rate": "0.0123", "dropout": "0.4567"}
# Where the numbers are used.
USED = {
    "learning_rate": optax.apply_updates.__code__,
    "dropout": jax.random.bernoulli.__code__,
}
COMMAND = (
    "launch.train",
    "--dataset=wine",
    "--arch.hidden=4",
    "--epochs=1",
    f"--learning_rate={VALUES['learning_rate']}",
    f"--regularization=dropout={VALUES['dropout']}",
)

files: dict[str, set[str]] = {name: set() for name in ("run", *VALUES)}
starts: dict[int, set[str]] = {}  # by thread: the files on the stack that started it
used_up: set[str] = set()  # settings whose journey is over: what is written of them later is not it
code_of_start = threading.Thread.start.__code__


def file_of(code: CodeType) -> str | None:
    """The file of the project that code is in; None if it is in none, or a module's own."""
    name = code.co_filename.removeprefix(f"{ROOT}/")
    inside = name.startswith(("research/", "launch/")) and code.co_name != "<module>"
    return name if inside else None


def stack(frame: FrameType | None) -> set[str]:
    """The project's files on the stack, those that started its thread included."""
    names = set(starts.get(threading.get_ident(), set()))
    while frame is not None:
        names.add(file_of(frame.f_code) or "")
        frame = frame.f_back
    return names - {""}


def holds(value: Any, text: str) -> bool:
    """Whether an argument is the setting's text or its number."""
    return (
        text in value if isinstance(value, str) else type(value) is float and value == float(text)
    )


def called(frame: FrameType, event: str, _: Any) -> None:
    """Notes the call of a function."""
    if event != "call":
        return
    code = frame.f_code
    if code is code_of_start:
        thread, above = frame.f_locals["self"], stack(frame)
        run = thread.run

        def run_with_stack() -> None:
            starts[threading.get_ident()] = above
            run()

        thread.run = run_with_stack
        return
    for name, used in USED.items():
        if code is used:
            used_up.add(name)
            files[name] |= stack(frame)
    file = file_of(code)
    if file is None:
        return
    files["run"].add(file)
    arguments = [frame.f_locals.get(each) for each in code.co_varnames[: code.co_argcount]]
    for name, text in VALUES.items():
        if name not in used_up and any(holds(value, text) for value in arguments):
            files[name].add(file)


if __name__ == "__main__":
    # Calls at import are no part of the journeys.
    names = [
        module.name for module in pkgutil.walk_packages(research.__path__, f"{research.__name__}.")
    ]
    # Of launch/cli only what the program imports: two programs may define the same flag.
    program = ast.parse((Path(ROOT) / "launch" / "train.py").read_text())
    for node in ast.walk(program):
        if isinstance(node, ast.ImportFrom) and node.module != "launch.cli":
            names.append(str(node.module))
        elif isinstance(node, ast.ImportFrom):
            names += [f"launch.cli.{alias.name}" for alias in node.names]
    for name in names:
        importlib.import_module(name)
    sys.argv = list(COMMAND)
    threading.setprofile(called)
    sys.setprofile(called)
    try:
        runpy.run_module(COMMAND[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code:
            raise
    finally:
        sys.setprofile(None)
    Path("journeys.json").write_text(
        json.dumps({name: sorted(each) for name, each in files.items()})
    )
