"""Which regularizer helps a small network on little data?

An MLP of 128-128 ReLU units on 500 digits, heavy-ball SGD; one regularizer a row, its strength
declared. Ten seeds decided nothing; by their footer, 29 or more would.
    python -m launch.table --experiment=regularization
"""

from research.sweeps.column import Column
from research.sweeps.experiment import EXPERIMENTS, Experiment

EXPERIMENTS.add(
    Experiment(
        name="regularization",
        summary="one regularizer a row: an MLP on 500 digits",
        base={
            "dataset": "digits",
            "train_size": 500,
            "arch": "mlp",
            "arch.hidden": "128,128",
            "optimizer": "sgd",
            "optimizer.momentum": 0.9,
            "learning_rate": 0.05,
            "schedule": "cosine",
            "batch_size": 50,
            "epochs": 40,
        },
        arms={
            "none": {},
            "L2": {"regularization": "l2=1e-3"},
            "L1": {"regularization": "l1=1e-4"},
            "dropout": {"regularization": "dropout=0.5"},
            "Gaussian dropout": {"regularization": "gaussian_dropout=0.5"},
            "max-norm": {"regularization": "max_norm=2"},
            "input noise": {"regularization": "input_noise=0.3"},
            "weight noise": {"regularization": "weight_noise=0.02"},
            "label smoothing": {"regularization": "label_smoothing=0.1"},
            "mixup": {"regularization": "mixup=0.4"},
            "batch norm": {"regularization": "batch_norm"},
            "early stopping": {"regularization": "early_stopping=5"},
        },
        columns=(
            Column("test accuracy", "test/accuracy"),
            Column("test NLL", "test/nll", better="lower"),
        ),
        baseline="none",
        seeds=30,
    )
)
