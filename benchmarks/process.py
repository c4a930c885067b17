"""Processes that the measurements start: the launchers as a user would start them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from launch.cli.start import CACHE_DIR
from research.errors import UserError

ROOT = Path(__file__).resolve().parent.parent


def command(name: str, *arguments: str) -> list[str]:
    """A program's command line, with this process's cache unless the arguments name another.

    name: of a launcher, or `benchmarks.trial`.
    """
    named = any(argument.startswith("--cache_dir=") for argument in arguments)
    cache = [] if named else [f"--cache_dir={CACHE_DIR.value}"]
    module = name if "." in name else f"launch.{name}"
    return [sys.executable, "-m", module, *cache, *arguments]


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


# A process starts as a copy of the one that starts it, whose memory would count as its own: so a
# small one starts it.
_SMALL = """
import resource, subprocess, sys, time
begin = time.monotonic()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(time.monotonic() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(done.returncode)
"""


class Took(NamedTuple):
    """What a launcher took: seconds, those of the CPU in all its threads, and peak MiB."""

    seconds: float
    cpu_seconds: float
    mebibytes: float


def timed(name: str, *arguments: str) -> Took:
    """Runs a launcher to its end. Raises UserError if it fails."""
    line = [sys.executable, "-c", _SMALL, *command(name, *arguments)]
    done = subprocess.run(line, capture_output=True, text=True, env=environment())
    if done.returncode:
        raise UserError(
            f"launch.{name} {' '.join(arguments)} failed: {done.stderr.strip().splitlines()[-1]}"
        )
    seconds, cpu_seconds, kilobytes = map(float, done.stdout.split())
    return Took(seconds, cpu_seconds, kilobytes / 1024)
