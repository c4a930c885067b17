"""Do four regularizers help a small network, whatever the table?

An MLP of 64 ReLU units on four bundled tables of classes, the settings the same on all: a row per
regularizer, a column per data set, and what they say together. Takes a minute or two.
    python -m launch.table --experiment=over_datasets
"""

from research.sweeps.column import Column
from research.sweeps.experiment import EXPERIMENTS, Experiment

EXPERIMENTS.add(
    Experiment(
        name="over_datasets",
        summary="four regularizers on four data sets: an MLP of 64 ReLU units",
        base={
            "arch": "mlp",
            "arch.hidden": "64",
            "optimizer": "adam",
            "learning_rate": 0.003,
            "batch_size": 32,
            "epochs": 20,
        },
        arms={
            "none": {},
            "L2": {"regularization": "l2=1e-2"},
            "dropout": {"regularization": "dropout=0.3"},
            "label smoothing": {"regularization": "label_smoothing=0.1"},
            "mixup": {"regularization": "mixup=0.4"},
        },
        datasets=("iris", "wine", "breast_cancer", "digits"),
        columns=(
            Column("test accuracy", "test/accuracy"),
            Column("test NLL", "test/nll", better="lower", margin=0.01),
        ),
        baseline="none",
    )
)
