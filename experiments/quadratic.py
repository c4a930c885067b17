"""DeepOBS's noisy quadratic: three optimizers at their published rates, and what the order of the
data does.

The published values are met when every epoch has the same order, which the paper does not say.
    python -m launch.table --experiment=quadratic
"""

from research.sweeps.column import Column, Published
from research.sweeps.experiment import EXPERIMENTS, Experiment

OPTIMIZERS = {
    "SGD": {"optimizer": "sgd", "learning_rate": 10**-1.8},
    "momentum 0.99": {"optimizer": "sgd", "optimizer.momentum": 0.99, "learning_rate": 10**-2.6},
    "Adam": {"optimizer": "adam", "learning_rate": 10**-1.4},
}
ORDERS = {"same order": False, "new orders": True}
COLUMN = "test loss"

EXPERIMENTS.add(
    Experiment(
        name="quadratic",
        summary=(
            "DeepOBS's quadratic in 100 dimensions: SGD, momentum and Adam at their published rates"
        ),
        base={
            "dataset": "quadratic",
            "split": "1:0:1",
            "scaling": "none",
            "arch": "point",
            "loss": "quadratic",
            "batch_size": 128,
            "epochs": 100,
        },
        arms={
            f"{name}, {order}": {**settings, "reshuffle_each_epoch": again}
            for name, settings in OPTIMIZERS.items()
            for order, again in ORDERS.items()
        },
        columns=(Column(COLUMN, "test/quadratic", better="lower"),),
        published={
            ("SGD, same order", COLUMN): Published(87.3975, 0.169, 10),
            ("momentum 0.99, same order", COLUMN): Published(87.0450, 0.025, 10),
            ("Adam, same order", COLUMN): Published(87.1119, 0.024, 10),
        },
        notes=(
            (
                "Published: mean ± standard deviation over 10 seeds (DeepOBS, Schneider et al."
                " 2019); what ours vary is the order of the data alone, since the start and the"
                " points are fixed."
            ),
        ),
        paper="Schneider, Balles & Hennig 2019, DeepOBS: a deep learning optimizer benchmark suite",
    )
)
