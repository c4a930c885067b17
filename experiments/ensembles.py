"""Do several small networks together beat one, and by which ensemble?

An MLP of 16 ReLU units on the digits; an ensemble a row. Each member has the epochs of the single
network, but for a snapshot ensemble, whose members share them. Rows share members: the first of
`seeds` is the single network. Takes about ten minutes.
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
            "arch": "mlp(16)",
            "optimizer": "adam",
            "learning_rate": 0.01,
            "batch_size": 64,
            "epochs": 20,
        },
        arms={
            "single": {},
            "wide": {"arch": "mlp(128)"},
            "linear": {"arch": "linear"},
            "members inside": {"arch.members": 20},
            "seeds": {"ensemble": "seeds(10)"},
            "bagging": {"ensemble": "bagging(10)"},
            "pasting": {"ensemble": "pasting(10,share=0.6)"},
            "subspaces": {"ensemble": "subspaces(10,share=0.5)"},
            "snapshot": {"ensemble": "snapshot(5)"},
            "vote": {"ensemble": "vote(arms=[single, wide, linear])"},
            "stack": {"ensemble": "stack(arms=[single, wide, linear], folds=5)"},
            "AdaBoost": {"ensemble": "adaboost(20)"},
            "gradient boosting": {"ensemble": "boosting(20,rate=1)"},
        },
        columns=(
            Column("test accuracy", "test/accuracy"),
            Column("test NLL", "test/nll", better="lower"),
            Column("members' accuracy", "members/accuracy"),
            Column("disagreement", "members/disagreement", percent=True),
            Column("seconds", "effort/seconds", better="lower"),
        ),
        baseline="single",
        seeds=10,
    )
)
