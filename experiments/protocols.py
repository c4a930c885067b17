"""How far does an estimate of the accuracy move from seed to seed, by the protocol that makes it?

Logistic regression on two bundled tables: a row per protocol, a column per data set, a split of its
own for each seed. The narrower the interval, the less the split decides. Takes a few minutes.
    python -m launch.table --experiment=protocols
    python -m launch.table --experiment=protocols_nested
"""

from research.sweeps.column import Column
from research.sweeps.experiment import EXPERIMENTS, Choose, Experiment

LINEAR = {"arch": "linear", "optimizer": "adam", "batch_size": 32, "epochs": 20}
DATASETS = ("breast_cancer", "wine")
COLUMNS = (Column("test accuracy", "test/accuracy"),)

EXPERIMENTS.add(
    Experiment(
        name="protocols",
        summary="holdout, cross-validation and bootstrap: logistic regression on two data sets",
        base={**LINEAR, "learning_rate": 0.02},
        arms={
            "holdout": {"split": "8:2"},
            "k-fold": {"split": "kfold(5)"},
            "stratified k-fold": {"split": "stratified_kfold(5)"},
            "repeated k-fold": {"split": "repeated_kfold(5,2)"},
            "bootstrap": {"split": "bootstrap(10)"},
        },
        datasets=DATASETS,
        columns=COLUMNS,
        baseline="holdout",
        seeds=10,
    )
)
EXPERIMENTS.add(
    Experiment(
        name="protocols_nested",
        summary="the same network with a rate that is chosen in nested folds, and outside of them",
        base={**LINEAR, "split": "nested(5,3)"},
        arms={"nested": {}},
        datasets=DATASETS,
        columns=COLUMNS,
        seeds=10,
        choose=Choose("learning_rate", (0.002, 0.02, 0.2)),
    )
)
