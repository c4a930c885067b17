"""How far does an estimate of the accuracy move from seed to seed, by the protocol that makes it?

Logistic regression on two bundled tables: a row per protocol, a column per data set, a split of its
own for each seed. The narrower the interval, the less the split decides. Takes a few minutes.
    python -m launch.table --experiment=protocols
"""

from research.sweeps.column import Column
from research.sweeps.experiment import EXPERIMENTS, Experiment

EXPERIMENTS.add(
    Experiment(
        name="protocols",
        summary="holdout, cross-validation and bootstrap: logistic regression on two data sets",
        base={
            "arch": "linear",
            "optimizer": "adam",
            "learning_rate": 0.02,
            "batch_size": 32,
            "epochs": 20,
        },
        arms={
            "holdout": {"split": "8:2"},
            "k-fold": {"split": "kfold(5)"},
            "stratified k-fold": {"split": "stratified_kfold(5)"},
            "repeated k-fold": {"split": "repeated_kfold(5,2)"},
            "bootstrap": {"split": "bootstrap(10)"},
        },
        datasets=("breast_cancer", "wine"),
        columns=(Column("test accuracy", "test/accuracy"),),
        baseline="holdout",
        seeds=10,
    )
)
