"""What do protocols say of data in which there is nothing to learn?

Sixty rows, a hundred features, classes drawn at random: the accuracy on new rows is a half. A seed
of the initial parameters is chosen among twenty.
    python -m launch.table --experiment=honesty
"""

from research.sweeps.column import Column
from research.sweeps.experiment import EXPERIMENTS, Choose, Experiment

EXPERIMENTS.add(
    Experiment(
        name="honesty",
        summary="pure noise: choosing outside the folds looks good, nested folds say chance",
        base={
            "split": "nested(5,3)",
            "arch": "mlp",
            "arch.hidden": (16,),
            "optimizer": "adam",
            "learning_rate": 0.01,
            "batch_size": 16,
            "epochs": 10,
        },
        arms={
            "all features": {"dataset": "pure_noise"},
            "10 features, selected on all rows": {"dataset": "pure_noise(selected=10)"},
        },
        columns=(Column("nested accuracy", "test/accuracy"),),
        seeds=10,
        choose=Choose("init_seed", tuple(range(20))),
    )
)
