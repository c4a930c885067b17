"""A signal at any moment: one line and a distinct exit code, also while the program is still being imported."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.launch.command_lines import ROOT

# What the program imports first, in the place of research/: it says so, and takes its time.
_SLOW = "import sys, time\nprint('importing', flush=True)\ntime.sleep(60)\n"


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_importing_ends_in_one_line(tmp_path: Path, kind: signal.Signals) -> None:
    (tmp_path / "launch").symlink_to(ROOT / "launch")
    (tmp_path / "research").mkdir()
    (tmp_path / "research" / "__init__.py").write_text(_SLOW)
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
