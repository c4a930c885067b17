"""Do several small networks together beat one, and by which ensemble?

An MLP of 16 ReLU units on the digits; an ensemble a row. Each member has the epochs of the single
network, but for a snapshot ensemble, whose members share them. Takes about five minutes.
    python -m launch.table --experiment=ensembles
"""

from research.sweeps.column import Column
from research.sweeps.experiment import EXPERIMENTS, Experiment

EXPERIMENTS.add(
    Experiment(
        name="ensembles",
        summary="one network, and ensembles of several: small MLPs on the digits",
        base={
            "dataset": "digits",
            "arch": "mlp",
            "arch.hidden": "16",
            "optimizer": "adam",
            "learning_rate": 0.01,
            "batch_size": 64,
            "epochs": 20,
        },
        arms={
            "single": {},
            "members inside": {"arch.members": 20},
            "seeds": {"ensemble": "seeds(20)"},
            "snapshot": {"ensemble": "snapshot(5)"},
            "AdaBoost": {"ensemble": "adaboost(20)"},
            "gradient boosting": {"ensemble": "boosting(20,rate=1)"},
        },
        columns=(
            Column("test accuracy", "test/accuracy"),
            Column("test NLL", "test/nll", better="lower"),
        ),
        baseline="single",
        seeds=10,
    )
)
