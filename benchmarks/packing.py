"""Packing: 128 runs as one sweep against a process each, and in turn in one process."""

import functools
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from absl import flags

from benchmarks.process import launch
from launch.cli.planner import planner
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.training.devices import strategy_choice
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop

HIDDEN = flags.DEFINE_list(
    "hidden", ["64", "256-256", "1024-1024"], "packing: hidden layers of the MLPs"
)
SAMPLE = flags.DEFINE_integer(
    "sample", 8, "packing: how many runs are timed as processes of their own", lower_bound=2
)
REPEATS = flags.DEFINE_integer(
    "repeats", 3, "packing: timings of each kind; medians are reported", lower_bound=1
)

# Two processes at a time, as a user with two cores would start them. More would share the cores and
# make the sweep look better than it is.
PROCESSES = 2
RATES = (0.02, 0.05, 0.1, 0.2)
DROPOUTS = (0.0, 0.1, 0.3, 0.5)
SEEDS = 8
RUNS = len(RATES) * len(DROPOUTS) * SEEDS


def measure() -> None:
    """128 runs (4 rates × 4 dropout rates × 8 seeds; digits, 10 epochs, batch 64): one sweep
    against a process each.

    The ratio is the product of two: what start-up saves (processes against one process that trains
    its runs in turn) and what lanes gain (that process against the sweep). The compile cache is
    warm throughout.
    """
    print(
        f"| MLP | {RUNS} processes (s) | in turn (s) | one sweep (s) | start-up saves | lanes gain"
        " | together |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for hidden in HIDDEN.value:
        apart, in_turn, sweep = _packing(hidden.replace("-", ","))
        print(
            f"| {hidden} | {apart:.0f} | {in_turn:.1f} | {sweep:.1f} "
            f"| {apart / in_turn:.1f}× | {in_turn / sweep:.1f}× | {apart / sweep:.1f}× |",
            flush=True,
        )


def _packing(hidden: str) -> tuple[float, float, float]:
    """Seconds for all runs: as processes, in turn in one process, as one sweep."""
    base = ["--dataset=digits", f"--arch.hidden={hidden}", "--epochs=10", "--batch_size=64"]
    axes = ["--grid=learning_rate=" + "|".join(map(str, RATES))]
    axes += ["--grid=regularization.dropout=" + "|".join(map(str, DROPOUTS)), f"--seeds={SEEDS}"]
    with tempfile.TemporaryDirectory() as folder:

        def train(place: int) -> None:
            launch(
                "train",
                *base,
                "--regularization.dropout=0.1",
                f"--seed={place}",
                f"--records={folder}/{place}",
            )

        def sweep(place: int) -> None:
            launch("sweep", *base, *axes, f"--records={folder}/sweep{place}")

        def trains() -> None:
            with ThreadPoolExecutor(PROCESSES) as pool:
                list(pool.map(train, range(SAMPLE.value)))

        train(SAMPLE.value)
        # The compile cache is warm from here on.
        sweep(REPEATS.value)
        sweeps = [_seconds(functools.partial(sweep, place)) for place in range(REPEATS.value)]
        apart = _seconds(trains) / SAMPLE.value
    plans = planner()
    settings = {"arch.hidden": hidden, "epochs": 10, "regularization": "dropout=0.1"}
    runs = plans.runs([{**settings, "seed": seed} for seed in range(SAMPLE.value)])
    lane = statistics.median(_in_turn(plans, runs) for _ in range(REPEATS.value))
    one_sweep = statistics.median(sweeps)
    return RUNS * apart, _start_up() + RUNS * lane, one_sweep


def _in_turn(plans: Planner, runs: Sequence[PlannedRun]) -> float:
    """Seconds a run of runs that train one after another in this process, compiled already."""
    strategy, arrays = (
        ExecutionStrategy(1, strategy_choice.MAX_DISPATCH_STEPS),
        plans.arrays(runs[0]),
    )
    # Compiles; a process that trains many runs pays for that once.
    loop.train(runs[0].program, [runs[0].config], arrays, strategy)
    return _seconds(
        lambda: [loop.train(run.program, [run.config], arrays, strategy) for run in runs]
    ) / len(runs)


def _start_up() -> float:
    """Seconds of a process that has nothing to train."""
    return _seconds(lambda: launch("list", "optimizers"))


def _seconds(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin
