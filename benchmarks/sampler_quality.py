"""Samplers: what TPE finds against random search, over repeats that are paired by their seed."""

import tempfile
from pathlib import Path

from absl import flags

from launch.cli.execution_flags import execution
from launch.cli.planner import planner
from research.statistics.intervals import paired_difference
from research.sweeps.declare import sweep_axes
from research.sweeps.execute.terminal import Terminal
from research.sweeps.records.store import Store
from research.sweeps.tuning import tuner
from research.sweeps.tuning.goal import Goal
from research.sweeps.tuning.tuner import Budget, SearchContext

TUNINGS = flags.DEFINE_integer("tunings", 10, "samplers: tunings by each sampler", lower_bound=2)
TRIALS = flags.DEFINE_integer("trials", 60, "samplers: trials of each tuning", lower_bound=1)

PARALLEL = 5
SETTINGS = {"dataset": "digits", "arch.hidden": "32", "epochs": 5, "batch_size": 64}
SPACE = (
    "learning_rate=log(1e-4,10)",
    "optimizer.momentum=uniform(0,0.99)",
    "regularization.dropout=uniform(0,0.8)",
    "regularization.l2=log(1e-6,1)",
)
GOAL = Goal("validation/nll", "lower")


def measure() -> None:
    """The best validation NLL of an MLP on digits that TPE and random search find with as many
    trials.

    Both have a repeat's seed in common: of the split, of the training, and of the draws.
    """
    print(f"| seed | tpe: best NLL of {TRIALS.value} | random |")
    print("| ---: | ---: | ---: |")
    best_values: dict[str, list[float]] = {"tpe": [], "random": []}
    for seed in range(TUNINGS.value):
        for sampler, values in best_values.items():
            values.append(_best(sampler, seed))
        print(
            f"| {seed} | {best_values['tpe'][-1]:.4f} | {best_values['random'][-1]:.4f} |",
            flush=True,
        )
    difference = paired_difference(best_values["tpe"], best_values["random"])
    lower = sum(a < b for a, b in zip(best_values["tpe"], best_values["random"], strict=True))
    print(
        f"\ntpe − random: {difference.mean:+.4f} ± {difference.half_width:.4f} (95 % t-interval of"
        f" {difference.n} paired differences); tpe is lower in {lower} of {difference.n}"
    )


def _best(sampler: str, seed: int) -> float:
    """The best value of one tuning, with records of its own."""
    with tempfile.TemporaryDirectory() as folder:
        shop = SearchContext(Store(Path(folder)), planner(), Terminal(), execution())
        budget = Budget(sampler, TRIALS.value, PARALLEL, seed=seed)
        tuned = tuner.tune(
            sampler, {**SETTINGS, "seed": seed}, sweep_axes.sampled(SPACE), budget, shop, None, GOAL
        )
    assert tuned.best.value is not None
    return tuned.best.value
