"""Stop: how soon a signal is noticed and a process ends, and how soon it trains again."""

import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from absl import flags

from benchmarks.process import command, environment
from research.errors import UserError

STOPS = flags.DEFINE_integer(
    "stops", 5, "stop: how many stops; medians and the worst are reported", lower_bound=1
)

SWEEP = (
    "--dataset=digits",
    "--arch.hidden=256,256",
    "--epochs=100000",
    "--grid=learning_rate=0.01|0.1",
)
PATIENCE = 120.0


def measure() -> None:
    """Stops a sweep by SIGTERM and starts it again, with its programs in the compile cache."""
    noticed = []
    ended = []
    restarted = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(STOPS.value + 1):
            notice, end, restart = _stop(Path(folder))
            if number:  # the first compiles
                noticed.append(notice)
                ended.append(end)
                restarted.append(restart)
    print("| seconds | median | worst |\n| --- | ---: | ---: |")
    for what, values in (
        ("from the signal to its notice", noticed),
        ("from the signal to the end of the process, saved", ended),
        ("from a start to the first new step, saved", restarted),
    ):
        print(f"| {what} | {statistics.median(values):.2f} | {max(values):.2f} |")


def _stop(records: Path) -> tuple[float, float, float]:
    """Seconds from the signal to its notice, and to the end; from the start to a step beyond the
    last checkpoint."""
    before = _last(records)
    begin = time.monotonic()
    line = command("sweep", *SWEEP, f"--records={records}", "--checkpoint_every=1")
    process = subprocess.Popen(
        line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment()
    )
    assert process.stderr is not None
    while _last(records) <= before:
        if process.poll() is not None or time.monotonic() - begin > PATIENCE:
            process.kill()
            raise UserError(
                "the sweep does not train:"
                f" {process.stderr.read().decode().strip().splitlines()[-1]}"
            )
        time.sleep(0.01)
    restart = time.monotonic() - begin
    time.sleep(1.0)
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    # read1 returns what is there: read would wait for the end of the process.
    log = b""
    while b"SIGTERM" not in log:
        log += process.stderr.read1(4096) or b"SIGTERM"  # type: ignore[attr-defined]
    notice = time.monotonic() - begin
    process.communicate()
    return notice, time.monotonic() - begin, restart


def _last(records: Path) -> int:
    """The step of the last checkpoint there."""
    return max(
        (
            int(path.name)
            for path in (records / "checkpoints").glob("*/[0-9]*")
            if path.name.isdigit()
        ),
        default=-1,
    )
