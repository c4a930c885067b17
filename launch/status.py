"""Shows the progress of sweeps: runs finished, running, queued, diverged and failed.

Examples:
  python -m launch.status --name=rates --watch
  python -m launch.status --experiment=regularization --html=page
"""

import re
import sys
import time
from collections.abc import Sequence

from absl import flags

from launch.cli import start
from launch.cli.records import store
from launch.cli.status_text import Asked, status_lines
from research import messages

NAME = start.define_name("name", None, "the sweep of this name; none: every sweep, a line each")
EXPERIMENT = start.define_name("experiment", None, "a declared table")
WATCH = flags.DEFINE_bool(
    "watch", False, "print it again every two seconds until all runs are done"
)
HTML = start.define_output("html", "write an HTML page that needs no network into this directory")

SECONDS = 2.0


def main() -> None:
    asked = Asked(NAME.value, EXPERIMENT.value, HTML.value)
    records = store()
    while True:
        lines, over = status_lines(records, asked)
        if WATCH.value and sys.stdout.isatty():
            print("\033[H\033[J", end="")
        messages.show("\n".join(lines))
        if over or not WATCH.value:
            return
        time.sleep(SECONDS)


def more_flags(argv: Sequence[str]) -> None:
    # Planning imports JAX, which takes seconds; the status of named sweeps is read from files.
    if any(re.match("--?(experiment|html)", argument) for argument in argv[1:]):
        import launch.cli.html_report  # noqa: F401


if __name__ == "__main__":
    start.run(main, more_flags)
