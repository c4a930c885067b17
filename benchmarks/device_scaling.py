"""Scaling: updates per second of one run over 1, 2, 4, ... devices, as many as this machine has."""

import statistics
import time

import jax
from absl import flags

from launch.cli.planner import planner
from research.sweeps.plan.run_plan import PlannedRun
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import loop

ROUNDS = flags.DEFINE_integer(
    "rounds", 3, "scaling: rounds over the device counts; medians are reported", lower_bound=1
)
UPDATES = flags.DEFINE_integer("updates", 20, "scaling: updates of each timing", lower_bound=1)

SETTINGS = {
    "MLP 1024-1024, batch 512": {"arch.hidden": "1024,1024", "batch_size": "512"},
    "CNN 32-64, batch 256": {"arch": "cnn", "batch_size": "256"},
}


def measure() -> None:
    """The same update over more and more devices. Host devices share this machine's cores; GPUs are
    each their own."""
    counts = [count for count in (1, 2, 4, 8, 16) if count <= jax.device_count()]
    kind = jax.devices()[0].device_kind
    print(
        f"{jax.device_count()} devices ({kind}); updates a second, and their share of so many times"
        " one device's"
    )
    print("\n| run | " + " | ".join(f"{count} devices" for count in counts) + " |")
    print("| --- |" + " ---: |" * len(counts))
    for name, settings in SETTINGS.items():
        (run,) = planner().runs([{"dataset": "digits", "epochs": "100000", **settings}])
        rates: dict[int, list[float]] = {count: [] for count in counts}
        for _ in range(ROUNDS.value + 1):
            for count in counts:
                rates[count].append(_rate(run, count))
        # The first compiles.
        medians = {count: statistics.median(values[1:]) for count, values in rates.items()}
        cells = [
            f"{rate:.1f} ({100 * rate / (count * medians[1]):.0f} %)"
            for count, rate in medians.items()
        ]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def _rate(run: PlannedRun, replicas: int) -> float:
    """Updates a second, compiled and under way."""
    strategy = ExecutionStrategy(1, 1, replicas=replicas)
    (chunk,) = chunk_lib.start(run.program, [run.config], planner().arrays(run), strategy)
    done = 0
    epoch = 0
    while done < UPDATES.value:
        for place, _ in enumerate(loop.dispatches(run.program, chunk, strategy, epoch)):
            if place == 0 and epoch == 0:
                jax.block_until_ready(chunk.state)
                began = time.perf_counter()
            else:
                done += 1
            if done == UPDATES.value:
                break
        epoch += 1
    # Dispatches are asynchronous: without waiting, the clock would stop before the work is done.
    jax.block_until_ready(chunk.state)
    return done / (time.perf_counter() - began)
