"""Scale: time and memory of the programs that read a hundred thousand records."""

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from benchmarks.process import timed
from launch.cli.planner import planner
from research import config as config_lib
from research.data.progress_bar import progress
from research.sweeps.declare import sweep_axes
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.records.provenance import machine
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store

COUNT = flags.DEFINE_integer("count", 100_000, "scale: how many runs", lower_bound=1000)
SEEDS = 10
EPOCHS = 20
ROWS = ("--rows=runs", "--format=csv")
GLANCE = 10_000  # runs that launch.status looks at
CURVES = (
    "train/loss",
    "train/accuracy",
    "validation/loss",
    "validation/accuracy",
    "train/gradient_norm",
)


def measure() -> None:
    """Makes records up, then times the programs on them as a user would start them."""
    rates = [f"{number / COUNT.value:g}" for number in range(1, COUNT.value // SEEDS + 1)]
    grid = [f"learning_rate={'|'.join(rates)}"]
    asked = [f"--grid={grid[0]}", f"--seeds={SEEDS}", f"--epochs={EPOCHS}"]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        print(
            f"{COUNT.value:,} runs\n\n| program | seconds | peak MiB |\n| --- | ---: | ---: |",
            flush=True,
        )
        _print("launch.plan, nothing trained", "plan", *asked, f"--records={root / 'none'}")
        _records(grid, Store(root / "records"))
        at = f"--records={root / 'records'}"
        _print("launch.plan, all trained", "plan", *asked, at)
        _print("launch.table", "table", "--name=all", "--no_train", at)
        _print(
            "launch.table --rows=runs --format=csv", "table", "--name=all", "--no_train", *ROWS, at
        )
        # An older records folder has no index; the first look has to build it.
        (root / "records" / "index.json").unlink()
        for kind in ("without an index", "again"):
            _print(f"launch.status of {GLANCE:,} runs, {kind}", "status", "--name=some", at)


def _records(grid: Sequence[str], store: Store) -> None:
    """Writes a record for every run, and keeps all of them, and some, under a name."""
    paths, points = sweep_axes.points(grid)
    requests = [{**p, "epochs": str(EPOCHS), "seed": seed} for p in points for seed in range(SEEDS)]
    runs, draw = planner().runs(requests), random.Random(0)
    with progress(len(runs), "records that are made up", "records") as bar:
        for run in runs:
            store.write(_record(run, draw))
            bar.update()
    SweepSpec(requests, paths).save(store, "all", runs)
    SweepSpec(requests[:GLANCE], paths).save(store, "some", runs[:GLANCE])


def _record(run: PlannedRun, draw: random.Random) -> Record:
    """A record as large as a real one."""
    return Record(
        run.id,
        "finished",
        config_lib.to_flags(run.config),
        metrics={
            f"{split}/{m}": draw.random()
            for split in ("train", "validation", "test")
            for m in ("accuracy", "nll")
        },
        curves={name: [draw.random() for _ in range(EPOCHS)] for name in CURVES},
        checksums=[f"{draw.getrandbits(64):016x}" for _ in range(EPOCHS)],
        parameters=26_122,
        steps=run.program.steps,
        provenance=machine() | {"seconds": draw.random(), "width": 32, "lanes": 32},
    )


def _print(what: str, name: str, *arguments: str) -> None:
    """Prints a row: what a launcher took."""
    took = timed(name, *arguments)
    print(f"| {what} | {took.seconds:.1f} | {took.mebibytes:,.0f} |", flush=True)
