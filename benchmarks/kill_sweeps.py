"""The sweeps that are killed: between them all that a run may consist of."""

import dataclasses
from pathlib import Path

from benchmarks.process import command
from launch.cli.planner import planner
from research.sweeps.declare import sweep_axes
from research.sweeps.execute.stored_strategy import stored_form
from research.sweeps.plan.run_plan import with_seeds
from research.sweeps.records.provenance import device_kind
from research.sweeps.records.store import Store
from research.training.devices.strategy import ExecutionStrategy


@dataclasses.dataclass(frozen=True)
class Victim:
    """A sweep that is killed: its settings, an axis, its seeds, the way it runs, and flags of its
    execution."""

    name: str
    settings: dict[str, str]
    grid: str
    strategy: ExecutionStrategy
    seeds: int = 3
    flags: tuple[str, ...] = ()


BASE = {
    "dataset": "digits",
    "epochs": "4",
    "batch_size": "64",
    "arch.hidden": "32,32",
    "train_size": "320",
}
# Between them: every slot of regularization, batch norm, EMA, early stopping, accumulation, lanes
# that diverge, every way of running lanes, a run over several devices, streamed data, folds,
# players, an environment and a host estimator.
VICTIMS = (
    Victim(
        "lanes in a loop",
        {**BASE, "regularization": "dropout=0.3,ema=0.9,early_stopping=1,l1=1e-4"},
        "learning_rate=0.05|0.5|1e9",
        ExecutionStrategy(4, 64),
    ),
    Victim(
        "one by one over devices",
        {
            **{k: v for k, v in BASE.items() if k != "arch.hidden"},
            "arch": "cnn",
            "arch.channels": "4,4",
            "arch.dense": "8",
            "regularization": "batch_norm,mixup=0.4,shift=1,cutout=2",
        },
        "optimizer=adam",
        ExecutionStrategy(1, 1, 2),
    ),
    Victim(
        "lanes step by step",
        {
            **BASE,
            "accumulate": "2",
            "regularization": "weight_noise=0.02,max_norm=2,gradient_noise=0.1,swa=0.5",
        },
        "learning_rate=0.05|0.2",
        ExecutionStrategy(3, 1),
    ),
    Victim(
        "one run over two devices",
        {
            **BASE,
            "remainder": "pad",
            "regularization": "dropout=0.2,batch_norm,mixup=0.2,weight_decay=1e-3",
        },
        "learning_rate=0.05",
        ExecutionStrategy(1, 64, replicas=2),
        flags=("--devices=2",),
    ),
    Victim(
        "streamed",
        {
            **BASE,
            "schedule": "reduce_on_plateau",
            "regularization": "label_smoothing=0.1,input_noise=0.2",
        },
        "optimizer.momentum=0|0.9",
        ExecutionStrategy(2, 3),
        flags=("--device_data_limit=1K",),
    ),
    Victim(
        "folds of two sizes",
        {
            # 569 rows in 5 folds, and no train_size that would make their training parts alike.
            "dataset": "breast_cancer",
            "split": "kfold(5,validation=0.1)",
            "arch.hidden": "16",
            "batch_size": "32",
            "epochs": "8",
            "regularization": "dropout=0.3,early_stopping=2",
        },
        "learning_rate=0.05|0.2",
        ExecutionStrategy(3, 4),
    ),
    Victim(
        "players",
        {
            "dataset": "digits",
            "train_size": "320",
            "epochs": "60",
            "batch_size": "32",
            "task": "reconstruction",
            "arch": "two_points",
            "objective": "quadratic_game",
            "objective.noise": "0.1",
            "objective.updates_y": "2",
            "optimizer.y": "adam",
            "learning_rate.y": "0.01",
            "regularization": "ema=0.9,gradient_noise=0.1",
        },
        "learning_rate.x=0.01|0.1|1e9",
        ExecutionStrategy(4, 3),
    ),
    Victim(
        "environment",
        {
            "dataset": "gaussian_bandit",
            "objective": "policy_gradient",
            "epochs": "60",
            "updates_per_epoch": "10",
            "batch_size": "16",
            "regularization": "dropout=0.1",
        },
        "learning_rate=0.1|0.5",
        ExecutionStrategy(3, 4),
    ),
    Victim(
        "host estimator",
        {"dataset": "breast_cancer", "split": "kfold(5)", "arch": "constant"},
        "train_size=100|300",
        ExecutionStrategy(1, 1),
        flags=("--keep_predictions",),
    ),
)


def sweep_command(victim: Victim, records: Path) -> list[str]:
    """The command that trains the sweep."""
    settings = [f"--{name}={value}" for name, value in victim.settings.items()]
    often = ["--checkpoint_every=2", "--keep_params", f"--records={records}"]
    return command(
        "sweep",
        *settings,
        f"--grid={victim.grid}",
        f"--seeds={victim.seeds}",
        *often,
        *victim.flags,
    )


def prepare(victim: Victim, records: Path) -> None:
    """Fixes the strategy with which the sweep runs, so that no timing decides it."""
    _, points = sweep_axes.points([victim.grid])
    plans = planner()
    requests = [
        one for p in points for one in with_seeds({**victim.settings, **p}, range(victim.seeds))
    ]
    runs = plans.runs(plans.each_fold(requests))
    kind = f"{victim.strategy.replicas}devices" if victim.strategy.replicas > 1 else "many"
    for program in {run.program.id for run in runs}:
        value = stored_form(victim.strategy)
        Store(records).write_json("ways", f"{program}.{device_kind()}.{kind}", value)
