"""Which optimizer, each at its own best learning rate?

Every optimizer × 9 learning rates × 3 seeds on digits; then the rate that validation chose, on
fresh seeds.
    python -m launch.table --experiment=optimizers --figures=figures
"""

from research.registry import OPTIMIZERS
from research.sweeps.column import Column
from research.sweeps.experiment import EXPERIMENTS, Choose, Experiment

EXPERIMENTS.add(
    Experiment(
        name="optimizers",
        summary="every optimizer at its own best learning rate: an MLP on digits",
        base={
            "dataset": "digits",
            "arch": "mlp",
            "arch.hidden": "64",
            "epochs": 10,
            "batch_size": 64,
        },
        arms={name: {"optimizer": name} for name in OPTIMIZERS.names()},
        columns=(
            Column("test accuracy", "test/accuracy"),
            Column("test NLL", "test/nll", better="lower"),
        ),
        baseline="sgd",
        seeds=10,
        choose=Choose(
            "learning_rate",
            ("1e-4", "3e-4", "1e-3", "3e-3", "1e-2", "3e-2", "1e-1", "3e-1", "1"),
            seeds=3,
        ),
    )
)
