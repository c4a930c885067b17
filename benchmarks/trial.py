"""A trial as Optuna is usually run: a process asks for it, trains it and reports its value."""

import optuna
from absl import flags
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from launch.cli import start
from launch.cli.execution_flags import execution
from launch.cli.planner import planner
from launch.cli.records import store
from launch.cli.run_flags import define_run_flags, run_settings
from research.sweeps.declare import sweep_axes
from research.sweeps.execute.ensure_records import ensure_records
from research.sweeps.execute.terminal import Terminal
from research.sweeps.tuning import space

JOURNAL = flags.DEFINE_string(
    "journal", "trials.journal", "Optuna's journal, which the processes share"
)
SAMPLE = flags.DEFINE_multi_string("sample", [], "an axis, as launch.tune takes it")


def main() -> None:
    """Asks the shared study for one trial, trains it and reports its value."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(JOURNAL.value))
    study = optuna.create_study(
        study_name="apart", storage=storage, direction="maximize", load_if_exists=True
    )
    trial = study.ask()
    plans = planner()
    monitor = Terminal()
    (run,) = plans.runs([run_settings() | space.suggested(trial, sweep_axes.sampled(SAMPLE.value))])
    record = ensure_records([run], store(monitor.warn), plans, monitor, execution=execution())[
        run.id
    ]
    study.tell(trial, record.metrics["validation/accuracy"])


if __name__ == "__main__":
    start.run(main, define_run_flags)
