"""Checkpoint: what saving a state as large as ResNet-50's costs while it trains."""

import statistics
import tempfile
import time
from pathlib import Path

import jax
from absl import flags

from launch.cli.planner import planner
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.records.provenance import device_kind
from research.training.checkpoint import snapshot as snapshot_lib
from research.training.checkpoint.checkpoint_writer import CheckpointWriter
from research.training.checkpoint.checkpoints import Checkpoints
from research.training.checkpoint.pack_manifest import PackManifest
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import loop
from research.training.setup.lane_inputs import footprint

SAVE_EVERY = flags.DEFINE_float("save_every", 30.0, "checkpoint: seconds between two saves")
WINDOWS = flags.DEFINE_integer(
    "windows", 5, "checkpoint: pairs of windows, with a save and without", lower_bound=1
)
WINDOW_STEPS = flags.DEFINE_integer(
    "window_steps", 40, "checkpoint: updates a window", lower_bound=1
)

# 25.6 million parameters and their momentum, as ResNet-50 has.
SETTINGS = {
    "dataset": "digits",
    "arch.hidden": "3550,3550,3550",
    "optimizer.momentum": "0.9",
    "epochs": "100000",
}


def measure() -> None:
    """Updates of an MLP in windows; a save begins in every second one;
    medians."""
    (run,) = planner().runs([SETTINGS])
    parameters, size = footprint(run.config, run.program)
    with tempfile.TemporaryDirectory() as folder:
        plain, saving, blocked = _windows(run, Path(folder))
    # Paired by neighbouring windows, so that a machine that slows down cancels out.
    cost = statistics.median(b - a for a, b in zip(plain, saving, strict=True))
    print(
        f"{parameters:,} parameters, {size / 2**20:.0f} MiB of state, {WINDOW_STEPS.value} updates"
        " a window"
    )
    print(f"a window without a save  {statistics.median(plain):8.2f} s")
    print(f"a window with a save     {statistics.median(saving):8.2f} s")
    print(
        f"a save costs             {cost:8.2f} s while training stands still"
        f" {statistics.median(blocked):.2f} s"
    )
    print(
        f"every {SAVE_EVERY.value:g} s that is       {100 * cost / SAVE_EVERY.value:8.1f} % of"
        " throughput"
    )


def _windows(run: PlannedRun, folder: Path) -> tuple[list[float], list[float], list[float]]:
    """Seconds of each window without and with a save, and those in which the save stops
    training."""
    program, strategy = run.program, ExecutionStrategy(1, 1)
    (chunk,) = chunk_lib.start(program, [run.config], planner().arrays(run), strategy)
    checkpoints = Checkpoints(folder)
    checkpoints.prepare()
    pack = PackManifest(program.id, device_kind(), strategy, {run.id: {}})
    epoch = 0
    step = 0
    plain: list[float] = []
    saving: list[float] = []
    blocked: list[float] = []
    running = loop.dispatches(program, chunk, strategy, epoch)
    with CheckpointWriter(checkpoints, pack) as writer:
        for number in range(2 * WINDOWS.value + 2):
            begin = time.perf_counter()
            if number % 2:
                writer.save(snapshot_lib.take(step, [chunk]))
                stood = time.perf_counter() - begin
            for _ in range(WINDOW_STEPS.value):
                if next(running, "over") == "over":
                    epoch += 1
                    running = loop.dispatches(program, chunk, strategy, epoch)
                    next(running)
                step += 1
            jax.block_until_ready(chunk.state)
            writer.finish()
            seconds = time.perf_counter() - begin
            # The first pair compiles, and imports orbax.
            if number > 1:
                (saving if number % 2 else plain).append(seconds)
            if number > 1 and number % 2:
                blocked.append(stood)
    return plain, saving, blocked
