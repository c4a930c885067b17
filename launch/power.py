"""Says how many seeds and test rows an experiment needs, from the runs that there are.

Examples:
  python -m launch.power --experiment=regularization
  python -m launch.power --experiment=regularization --margin=0.01 --looks=8,12,18,27
"""

import itertools

from absl import flags

from launch.cli import start
from launch.cli.output import emit
from launch.cli.planner import planner
from launch.cli.records import store
from research.analysis.experiment_report import of_experiment
from research.analysis.power_table import power_table
from research.errors import UserError
from research.sweeps.declare import experiment_files
from research.sweeps.execute.terminal import Terminal

EXPERIMENT = start.define_name("experiment", None, "a declared table with some runs: the pilot")
MARGIN = flags.DEFINE_float(
    "margin",
    None,
    "the difference to show, in the metric's unit (0.01 is one point of accuracy); none: the"
    " column's margin, else the difference that the pilot saw",
)
POWER = flags.DEFINE_float(
    "power", 0.8, "the probability of showing it", lower_bound=0.05, upper_bound=0.999
)
LOOKS = flags.DEFINE_list("looks", [], "seeds at the looks of a sequential design, as 8,12,18")


def main() -> None:
    if EXPERIMENT.value is None:
        raise UserError("give --experiment=NAME; launch.list experiments names them")
    if MARGIN.value is not None and not MARGIN.value > 0:
        raise UserError(f"--margin={MARGIN.value:g}: it must be above 0")
    looks = _looks()
    terminal = Terminal()
    records = store()
    experiment = experiment_files.get(EXPERIMENT.value, terminal.warn)
    if experiment.datasets:
        raise UserError(
            f"'{experiment.name}' compares its arms over {len(experiment.datasets)} data sets, and"
            " launch.power plans the seeds of one; declare an experiment with dataset in its base"
        )
    table = of_experiment(experiment, planner(), records, terminal, train=False).table
    emit(power_table(table, MARGIN.value, POWER.value, looks))


def _looks() -> list[int]:
    """The looks as rising numbers of seeds."""
    given = ",".join(LOOKS.value)
    if not all(text.isdigit() for text in LOOKS.value):
        raise UserError(f"--looks={given}: write numbers of seeds, as 8,12,18")
    looks = [int(text) for text in LOOKS.value]
    rising = all(first < second for first, second in itertools.pairwise(looks))
    if looks and (not rising or looks[0] < 2 or looks[-1] > 1000):
        raise UserError(f"--looks={given}: numbers of seeds from 2 to 1000, each larger")
    return looks


if __name__ == "__main__":
    start.run(main)
