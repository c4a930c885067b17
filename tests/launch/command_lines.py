"""Runs many command lines of the launchers quickly: one process imports the library, a fork of it runs each."""

import dataclasses
import functools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Runs until its input ends. What it is told to run, where and in which environment, is a line; so is what came of it.
_PARENT = """
import importlib, json, os, pkgutil, runpy, sys, traceback
import absl.app, optuna, orbax.checkpoint, psutil, research, sklearn.datasets, tensorflow_datasets
for module in pkgutil.walk_packages(research.__path__, "research."):
    importlib.import_module(module.name)
for line in sys.stdin:
    folder, environment, cases = json.loads(line)
    os.chdir(folder)
    results = []
    for case in cases:
        child = os.fork()
        if not child:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for stream, name in ((1, "out.txt"), (2, "err.txt")):
                os.dup2(os.open(name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), stream)
            os.environ.clear()
            os.environ.update(environment)
            sys.argv = case
            code = 0
            try:
                runpy.run_module("launch." + case[0], run_name="__main__", alter_sys=True)
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
            except BaseException:
                traceback.print_exc()
                code = 1
            sys.stdout.flush(), sys.stderr.flush()
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        results.append([code, open("out.txt").read(), open("err.txt").read()])
    print(json.dumps(results), flush=True)
"""


@dataclasses.dataclass(frozen=True)
class Result:
    """What a command line came to."""

    code: int
    out: str
    err: str


def run_all(cases: Sequence[Sequence[str]], folder: Path) -> list[Result]:
    """Each case is a launcher's name and its arguments; all run in `folder`, one after another.

    Packages are looked for there first, and then in this checkout.
    """
    parent = _parent()
    assert parent.stdin is not None
    assert parent.stdout is not None
    parent.stdin.write(json.dumps([str(folder), _environment(), [list(case) for case in cases]]) + "\n")
    parent.stdin.flush()
    return [Result(*result) for result in json.loads(parent.stdout.readline())]


@functools.cache
def _parent() -> "subprocess.Popen[str]":
    """The process that imports the library, once for all tests of this one; it ends with it."""
    line = [sys.executable, "-c", _PARENT]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(line, **pipes, text=True, cwd=ROOT, env=_environment())


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
