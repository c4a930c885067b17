"""Processes that the measurements start: the launchers as a user would start them."""

import os
import subprocess
import sys
from pathlib import Path

from launch.start import CACHE_DIR
from research.errors import UserError

ROOT = Path(__file__).resolve().parent.parent.parent


def command(name: str, *arguments: str) -> list[str]:
    """A launcher's command line, with this process's cache."""
    return [sys.executable, "-m", f"launch.{name}", f"--cache_dir={CACHE_DIR.value}", *arguments]


def environment(devices: int = 2) -> dict[str, str]:
    """This process's environment, with so many host devices where it runs on a CPU."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    return {**os.environ, "XLA_FLAGS": flags, "PYTHONPATH": str(ROOT)}


def launch(name: str, *arguments: str) -> None:
    """Runs a launcher to its end. Raises UserError if it fails."""
    line = command(name, *arguments)
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"{' '.join(line)} failed: {done.stderr.strip().splitlines()[-1]}")
