"""Devices: final metrics of runs over several devices against the same runs on one, paired by
seed."""

import jax
from absl import flags

from launch.cli.planner import planner
from research.data.progress_bar import progress
from research.errors import UserError
from research.statistics.intervals import paired_difference
from research.sweeps.plan.run_plan import PlannedRun, with_seeds
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop

OVER = flags.DEFINE_integer(
    "over", 2, "devices: over how many devices each run is spread", lower_bound=2
)
PAIRS = flags.DEFINE_integer("pairs", 10, "devices: seeds", lower_bound=2)

# All that draws per example, and statistics of the whole batch, which nothing divides evenly.
SETTINGS = {
    "dataset": "digits",
    "arch.hidden": "64",
    "epochs": "20",
    "batch_size": "50",
    "remainder": "pad",
    "regularization": "dropout=0.2,mixup=0.2,shift=1,batch_norm",
}


def measure() -> None:
    """Trains each seed on one device and on several; the mean difference with its 95 %
    t-interval."""
    if jax.device_count() < OVER.value:
        raise UserError(f"over={OVER.value}: there are {jax.device_count()} devices")
    runs = planner().runs(with_seeds(SETTINGS, range(PAIRS.value)))
    with progress(2 * len(runs), "runs on one device and on several", "runs") as bar:
        one: list[dict[str, float]] = []
        several: list[dict[str, float]] = []
        for run in runs:
            for count, metrics in ((1, one), (OVER.value, several)):
                metrics.append(_metrics(run, count))
                bar.update()
    pairs = list(zip(one, several, strict=True))
    print(
        f"{PAIRS.value} seeds; on {OVER.value} devices ({jax.devices()[0].device_kind}) minus"
        " on one"
    )
    print("\n| metric | one device | difference |\n| --- | ---: | ---: |")
    for name in ("test/accuracy", "test/nll"):
        mean = sum(a[name] for a, _ in pairs) / len(pairs)
        gap = paired_difference([b[name] for _, b in pairs], [a[name] for a, _ in pairs])
        print(f"| {name} | {mean:.6f} | {gap.mean:+.2e} ± {gap.half_width:.2e} |")


def _metrics(run: PlannedRun, count: int) -> dict[str, float]:
    (outcome,) = loop.train(
        run.program, [run.config], planner().arrays(run), ExecutionStrategy(1, 64, replicas=count)
    )
    return outcome.metrics
