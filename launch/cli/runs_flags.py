"""The flags of launch.runs: what is done with the runs of a records folder."""

import re
from collections.abc import Sequence

from absl import flags

from launch.cli import start

DIFF = flags.DEFINE_list("diff", [], "print in which settings and metrics two runs differ: RUN,RUN")
TAG = flags.DEFINE_multi_string("tag", [], "give a run a tag, or take it away: RUN:tag, RUN:-tag")
NOTE = flags.DEFINE_multi_string("note", [], "give a run a note: RUN:text")
DELETE = flags.DEFINE_list(
    "delete", [], "delete these runs and their parameters: RUN,RUN; where: those of --where"
)
HTML = start.define_output(
    "html", "write pages over all experiments, sweeps, tunings and runs into this directory"
)
YES = flags.DEFINE_bool("yes", False, "delete without asking")


def more_flags(argv: Sequence[str]) -> None:
    """Pages plan the experiments, which needs JAX and has flags of its own."""
    if any(re.match("--?html", argument) for argument in argv[1:]):
        import launch.cli.records_site  # noqa: F401
