"""Which of eight regularizers does the work, and together with which?

Every combination of the eight, on an MLP of 128 ReLU units on 500 digits: 256 rows of ten seeds.
Regularizers that are off have their neutral strength, so that all rows share one compiled program.
    python -m launch.table --experiment=ingredients
"""

from research.sweeps.column import Column
from research.sweeps.experiment import EXPERIMENTS, Experiment

EXPERIMENTS.add(
    Experiment(
        name="ingredients",
        summary="all combinations of eight regularizers: an MLP on 500 digits",
        base={
            "dataset": "digits",
            "train_size": 500,
            "arch": "mlp",
            "arch.hidden": "128",
            "optimizer": "sgd",
            "optimizer.momentum": 0.9,
            "learning_rate": 0.05,
            "schedule": "cosine",
            "batch_size": 50,
            "epochs": 20,
        },
        factors={
            "L2": {"regularization": "l2=1e-3"},
            "L1": {"regularization": "l1=1e-4"},
            "dropout": {"regularization": "dropout=0.3"},
            "input noise": {"regularization": "input_noise=0.3"},
            "weight noise": {"regularization": "weight_noise=0.02"},
            "label smoothing": {"regularization": "label_smoothing=0.1"},
            "mixup": {"regularization": "mixup=0.4"},
            "gradient noise": {"regularization": "gradient_noise=0.01"},
        },
        design="full",
        columns=(
            Column("test accuracy", "test/accuracy"),
            Column("test NLL", "test/nll", better="lower"),
        ),
        seeds=10,
    )
)
