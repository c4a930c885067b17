"""Says how much of an experiment's variation each source of randomness makes.

Each source is redrawn while the others stay fixed: the initial parameters, the order of the data,
the noise of the training, the split, and the evaluated rows.

Examples:
  python -m launch.variance --experiment=regularization
  python -m launch.variance --experiment=regularization --row=dropout --over=init,order,noise
"""

from absl import flags

from launch.cli import figure_flags, start
from launch.cli.output import emit
from launch.cli.planner import planner
from launch.cli.records import store
from research.analysis.figure_style import figure_style
from research.analysis.source_variance import of_experiment, write_figures
from research.errors import UserError
from research.sweeps.declare import experiment_files
from research.sweeps.declare.variance_draws import MEANINGS, VarianceDraws
from research.sweeps.execute.terminal import Terminal

EXPERIMENT = start.define_name("experiment", None, "a declared table")
ROW = start.define_name("row", None, "the row of the table; none: its baseline, or the first")
OVER = flags.DEFINE_list("over", [*MEANINGS], "the sources that are redrawn")
DRAWS = flags.DEFINE_integer("draws", 10, "values of each source", lower_bound=2)
BASES = flags.DEFINE_integer(
    "bases", 3, "seeds at which the other sources are fixed, one after the other", lower_bound=1
)


def main() -> None:
    if EXPERIMENT.value is None:
        raise UserError("give --experiment=NAME; launch.list experiments names them")
    style = figure_flags.style()
    draws = VarianceDraws(OVER.value, DRAWS.value, BASES.value)
    terminal = Terminal()
    experiment = experiment_files.get(EXPERIMENT.value, terminal.warn)
    table = of_experiment(experiment, ROW.value, draws, planner(), store(), terminal)
    emit(table)
    if figure_flags.FIGURES.value is not None:
        with figure_style(style):
            figure_flags.say(write_figures(table, figure_flags.FIGURES.value))


if __name__ == "__main__":
    start.run(main)
