"""Runs many command lines of the launchers quickly: one process imports the library, a fork of it runs each."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]

_PARENT = """
import json, os, runpy, sys, traceback
import research.catalogue, research.analysis.render, research.analysis.table, research.training.loop
results = []
for case in json.load(sys.stdin):
    sys.stdout.flush()
    child = os.fork()
    if not child:
        out = os.open("out.txt", os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        err = os.open("err.txt", os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        os.dup2(out, 1), os.dup2(err, 2)
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
json.dump(results, sys.stdout)
"""


@dataclasses.dataclass(frozen=True)
class Result:
    """What a command line came to."""

    code: int
    out: str
    err: str


def run_all(cases: Sequence[Sequence[str]], folder: Path, path: Path | None = None) -> list[Result]:
    """Each case is a launcher's name and its arguments; all run in `folder`, one after another.

    path: a directory that is searched for packages before this checkout.
    """
    done = subprocess.run(
        [sys.executable, "-c", _PARENT],
        input=json.dumps([list(case) for case in cases]),
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [path or ROOT, ROOT])), "JAX_PLATFORMS": "cpu"},
        check=True,
    )
    return [Result(*result) for result in json.loads(done.stdout)]
