"""A signal at any moment: one line and a distinct exit code, also while the program is still being
imported."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.command_lines import ROOT

# What the program imports first, in the place of research/: it says so, and takes its time, in
# pieces: a signal just before a sleep is seen after it.
_SLOW = "import time\nprint('importing', flush=True)\nfor _ in range(600):\n    time.sleep(0.1)\n"


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_importing_ends_in_one_line(tmp_path: Path, kind: signal.Signals) -> None:
    (tmp_path / "launch").symlink_to(ROOT / "launch")
    (tmp_path / "research").mkdir()
    (tmp_path / "research" / "__init__.py").write_text("")
    (tmp_path / "research" / "signals.py").symlink_to(ROOT / "research" / "signals.py")
    (tmp_path / "research" / "errors.py").write_text(_SLOW)  # what every program imports
    process = subprocess.Popen(
        [sys.executable, "-m", "launch.train"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"
    began = time.monotonic()
    process.send_signal(kind)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75
    assert err.strip() == f"stopped by {kind.name} before anything began"
    assert time.monotonic() - began < 30


def test_a_program_with_nothing_to_save_ends_at_once_whatever_it_computes() -> None:
    """Here it sleeps in C, where no Python handler runs."""
    waits = "from research import signals\nimport ctypes, os\nwith signals.ending():\n"
    waits += "    os.kill(os.getpid(), 15)\n    ctypes.CDLL(None).sleep(60)\n"
    began = time.monotonic()
    run = subprocess.run([sys.executable, "-c", waits], cwd=ROOT, capture_output=True, text=True)
    assert (run.returncode, run.stderr.strip()) == (75, "stopped by SIGTERM")
    assert time.monotonic() - began < 30


_HOOK = """
import sys, types
from launch.cli import start
sys.__unraisablehook__ = lambda said: print(said.exc_value)
for message in ("Event loop is closed", "another one"):
    start._unraisable(types.SimpleNamespace(exc_value=RuntimeError(message)))
"""


def test_reads_that_orbax_gives_up_say_nothing_more() -> None:
    run = subprocess.run([sys.executable, "-c", _HOOK], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout == "another one\n"
