"""Runs many command lines of the launchers quickly: one process imports the library, a fork of it
runs each."""

import dataclasses
import functools
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST = 600  # seconds that a command line may take

# Runs until its input ends. Each line tells it to start a command line, and is answered by its
# process id, or to wait for one, and is answered by its exit code.
_PARENT = """
import functools, gc, importlib.metadata, io, json, os, pkgutil, runpy, sys, traceback
import absl.app, grain, jaxlib.mlir.dialects.mhlo, matplotlib.backends.backend_pdf, optuna
import orbax.checkpoint, psutil, pyarrow.compute, pyarrow.csv, research, sklearn.datasets
import tensorboard.summary.writer.event_file_writer, tensorflow_datasets, tree
import tensorflow_datasets.core.data_sources.array_record
for module in pkgutil.walk_packages(research.__path__, "research."):
    importlib.import_module(module.name)
from research.analysis.canvas import Canvas

# What matplotlib reads and builds for its first figure takes seconds: fonts, the grammar of numbers.
figure = Canvas(3, 3)
figure.add_subplot().loglog([1e-6, 1e6], [1e-6, 1e6])
for form in ("png", "pdf", "svg"):
    figure.savefig(io.BytesIO(), format=form)

# As JAX starts it looks for plugins in all that is installed, a tenth of a launcher's time.
importlib.metadata.entry_points = functools.cache(importlib.metadata.entry_points)
importlib.metadata.entry_points(group="jax_plugins")

# A tenth of a launcher's time went into looking for cycles among what is imported.
gc.collect()
gc.freeze()
gc.set_threshold(100_000, 50, 100)

def run(folder, environment, case, out, err):
    os.chdir(folder)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream, name in ((1, out), (2, err)):
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

for line in sys.stdin:
    told = json.loads(line)
    if isinstance(told, int):
        print(os.waitstatus_to_exitcode(os.waitpid(told, 0)[1]), flush=True)
    else:
        child = os.fork()
        if not child:
            run(*told)
        print(child, flush=True)
"""


@dataclasses.dataclass(frozen=True)
class Result:
    """What a command line came to."""

    code: int
    out: str
    err: str


@dataclasses.dataclass(frozen=True)
class Started:
    """A command line that runs. pid: of its process. out, err: where its output goes."""

    pid: int
    out: Path
    err: Path

    def wait(self) -> Result:
        """What it came to, once it has ended; -9 is the code of a process that was killed, as after
        LONGEST it is."""
        hangs = threading.Timer(LONGEST, self.send, [signal.SIGKILL])
        hangs.start()
        code = _told(self.pid)
        hangs.cancel()
        return Result(code, self.out.read_text(), self.err.read_text())

    def send(self, kind: signal.Signals) -> None:
        """Sends it a signal."""
        os.kill(self.pid, kind)


def run_all(cases: Sequence[Sequence[str]], folder: Path) -> list[Result]:
    """Each case is a launcher's name and its arguments; all run in `folder`, one after another.

    Packages are looked for there first, and then in this checkout.
    """
    return [start(case, folder).wait() for case in cases]


def start(case: Sequence[str], folder: Path, **environment: str) -> Started:
    """Starts a launcher, given by its name and arguments, in `folder`, beside what runs already."""
    number = next(_NUMBERS)
    out, err = (Path(_OUTPUTS.name, f"{name}{number}") for name in ("out", "err"))
    pid = _told([str(folder), _environment() | environment, list(case), str(out), str(err)])
    return Started(pid, out, err)


_OUTPUTS = tempfile.TemporaryDirectory()
_NUMBERS = itertools.count()


def _told(what: object) -> int:
    """The parent's answer."""
    parent = _parent()
    assert parent.stdin is not None
    assert parent.stdout is not None
    parent.stdin.write(json.dumps(what) + "\n")
    parent.stdin.flush()
    return int(parent.stdout.readline())


@functools.cache
def _parent() -> "subprocess.Popen[str]":
    """The process that imports the library, once for all tests of this one; it ends with it."""
    line = [sys.executable, "-c", _PARENT]
    return subprocess.Popen(
        line,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=_environment(),
    )


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
