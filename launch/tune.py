"""Tunes settings on the validation rows, and reports the best on fresh seeds.

Examples:
  python -m launch.tune --dataset=wine --sample='learning_rate=log(1e-3,1)' --trials=32 --name=rate
  python -m launch.tune --experiment=regularization --per_arm --sample='learning_rate=log(1e-2,1)'
  --trials=8
"""

import jax

from launch.cli import figure_flags, start
from launch.cli.execution_flags import execution
from launch.cli.output import emit
from launch.cli.planner import planner
from launch.cli.records import store
from launch.cli.run_flags import define_run_flags as more_flags
from launch.cli.run_flags import run_settings
from launch.cli.tune_flags import EXPERIMENT, NAME, PER_ARM, PRUNER, SAMPLE, budget
from launch.cli.tuned_tables import tuned_arms, tuned_settings
from launch.slurm.cluster_flags import executor, on_slurm, terminal
from research.errors import UserError
from research.sweeps.declare import experiment_files
from research.sweeps.tuning import tuner
from research.sweeps.tuning.tuner import SearchContext


def main() -> None:
    if jax.process_count() > 1:
        raise UserError(
            "a tuning runs in one process, which records the trials in order; leave out"
            " --coordinator"
        )
    if not SAMPLE.value:
        raise UserError("say what to tune: --sample='learning_rate=log(1e-4,1)'")
    if PER_ARM.value != (EXPERIMENT.value is not None):
        raise UserError(
            "--per_arm and --experiment=NAME go together: each arm of a declared table is tuned"
        )
    if on_slurm() and PRUNER.value is not None:
        raise UserError(
            "--pruner compares lanes of this process, after every epoch; leave it or"
            " --executor=slurm out"
        )
    figure_flags.style()
    wanted = [EXPERIMENT.value or run_settings(), SAMPLE.value]
    name = NAME.value or tuner.default_name(wanted, budget())
    monitor = terminal()
    how = execution(here=not on_slurm())
    train = executor(f"tunings/{name}")
    context = SearchContext(store(monitor.warn), planner(), monitor, how, train)
    if EXPERIMENT.value is None:
        tuned, table = tuned_settings(name, context, budget())
    else:
        experiment = experiment_files.get(EXPERIMENT.value, monitor.warn)
        tuned, table = tuned_arms(name, experiment, context, budget())
    emit(table)
    figure_flags.draw_trials([(each.study, each.goal.column) for each in tuned])


if __name__ == "__main__":
    start.run(main, more_flags)
