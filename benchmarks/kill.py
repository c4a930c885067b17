"""Kills: sweeps that die at random moments and are started again, against the same sweeps
undisturbed, bit for bit.

Between two starts record files are cut short, or take another run's name: each must be named, and
none believed.
"""

import json
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from absl import flags

from benchmarks.kill_sweeps import VICTIMS, Victim, prepare, sweep_command
from benchmarks.process import environment
from research.data.progress_bar import progress
from research.errors import UserError
from research.training.devices.strategy import ExecutionStrategy

N = flags.DEFINE_integer("n", 300, "kill: how many kills", lower_bound=1)
KILL_SEED = flags.DEFINE_integer("kill_seed", 0, "kill: of the moments")

# Kills a sweep at least: each sweep is trained twice undisturbed, so that few kills are spent on
# few sweeps.
EACH = 3
# Two sweeps at once, as many as there are cores.
AT_ONCE = 2


def measure() -> None:
    """Kills sweeps at random moments until they are done; counts records that differ from an
    undisturbed run's."""
    draw = random.Random(KILL_SEED.value)
    victims = VICTIMS[: max(1, N.value // EACH)]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        root = Path(folder)
        # Before the threads begin: while one imports TFDS, modules that another imports come as
        # empty lazy ones.
        folders = {victim.name: _prepared(victim, root) for victim in victims}
        whole = list(pool.map(lambda victim: _undisturbed(victim, folders[victim.name]), victims))
        shares = [
            N.value // len(victims) + (place < N.value % len(victims))
            for place in range(len(victims))
        ]
        seeds = [draw.random() for _ in victims]
        with progress(N.value, "sweeps that are killed", "kills") as bar:

            def killed(
                victim: Victim, undisturbed: tuple[dict[str, Any], float], kills: int, seed: float
            ) -> Any:
                return _killed(victim, *undisturbed, kills, seed, root, bar.update)

            tries = list(pool.map(killed, victims, whole, shares, seeds))
    print(f"| sweep | way | {' | '.join(COLUMNS)} |")
    print("| --- | --- |" + " ---: |" * len(COLUMNS))
    total: Counter[str] = Counter()
    for victim, counts in zip(victims, tries, strict=True):
        total.update(counts)
        print(_row(victim.name, _short(victim.strategy), counts))
    print(_row("together", "", total), flush=True)
    if total["differ"]:
        raise UserError(f"{total['differ']} records differ")
    if total["named"] < total["damaged"]:
        raise UserError(f"{total['damaged'] - total['named']} damaged record files were not named")


PHASES = ("before training", "in training", "while saving", "records begun")
COLUMNS = ("kills", *PHASES, "sweeps", "damaged", "named", "differ")


def _row(name: str, strategy: str, counts: Counter[str]) -> str:
    return (
        f"| {name} | {strategy} | " + " | ".join(f"{counts[column]:,}" for column in COLUMNS) + " |"
    )


def _short(strategy: ExecutionStrategy) -> str:
    return f"{strategy.width} × {strategy.steps}" + (
        f" on {strategy.devices * strategy.replicas}"
        if strategy.devices * strategy.replicas > 1
        else ""
    )


def _prepared(victim: Victim, root: Path) -> list[Path]:
    """Where the sweep runs undisturbed: with a cold compile cache, then with a warm one."""
    folders = [root / victim.name / name for name in ("cold", "warm")]
    for records in folders:
        prepare(victim, records)
    return folders


def _undisturbed(victim: Victim, folders: Sequence[Path]) -> tuple[dict[str, Any], float]:
    """The records of the sweep, and the seconds that it takes with compiled programs in the
    cache."""
    seconds = 0.0
    for records in folders:
        begin = time.monotonic()
        done = subprocess.run(
            sweep_command(victim, records), capture_output=True, text=True, env=environment()
        )
        seconds = time.monotonic() - begin
        if done.returncode:
            raise UserError(
                f"the sweep '{victim.name}' failed: {done.stderr.strip().splitlines()[-1]}"
            )
    return results(records), seconds


def _killed(
    victim: Victim,
    expected: dict[str, Any],
    seconds: float,
    kills: int,
    seed: float,
    root: Path,
    killed: Callable[[], object],
) -> Counter[str]:
    """Kills the sweep so often; each time that it gets done between two kills its records are
    compared.

    Then some of its record files are damaged, and it is asked for once more.
    """
    # A generator per victim: the victims run in threads, whose order must not change the moments.
    draw = random.Random(seed)
    counts: Counter[str] = Counter()
    while counts["kills"] < kills:
        records = root / victim.name / f"killed {counts['sweeps']}"
        prepare(victim, records)
        pending: list[Path] = []
        for last in (False, True):
            while not _started(
                victim,
                records,
                pending,
                counts,
                0 if last else kills,
                draw.uniform(0, 1.1 * seconds),
            ):
                killed()
                if draw.random() < 0.5:
                    _damage(records, list(expected), pending, counts, draw)
            recorded = results(records)
            counts["differ"] += sum(
                recorded.get(run_id) != result for run_id, result in expected.items()
            )
            counts["differ"] += len(set(recorded) - set(expected))
            if not last:
                _damage(records, list(expected), pending, counts, draw)
        counts["sweeps"] += 1
    return counts


def _started(
    victim: Victim,
    records: Path,
    pending: list[Path],
    counts: Counter[str],
    kills: int,
    seconds: float,
) -> bool:
    """Starts the sweep and kills it after so many seconds, if there are kills left; whether it got
    done.

    pending: damaged files that are still to be named; those that were are counted and taken off.
    """
    process = subprocess.Popen(
        sweep_command(victim, records),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    done = True
    try:
        _, error = process.communicate(timeout=seconds if counts["kills"] < kills else None)
    except subprocess.TimeoutExpired:
        # SIGKILL: no handler runs, so only what is on the disk already can be relied upon.
        process.send_signal(signal.SIGKILL)
        _, error = process.communicate()
        counts["kills"] += 1
        counts[_phase(records)] += 1
        done = False
    if done and process.returncode:
        raise UserError(
            f"the sweep '{victim.name}' failed after a kill: {error.strip().splitlines()[-1]}"
        )
    for path in list(pending):
        # Where the process died between moving a file and saying so, the file's new place names it.
        if f"{path.name} is damaged" in error or (
            not done and any((records / "damaged").glob(f"{path.stem}.*"))
        ):
            counts["named"] += 1
            pending.remove(path)
    return done


def _damage(
    records: Path,
    run_ids: Sequence[str],
    pending: list[Path],
    counts: Counter[str],
    draw: random.Random,
) -> None:
    """Cuts one record file short and gives another one a third run's name, as far as there are
    any."""
    whole = [
        path for path in sorted((records / "runs").glob("*/[!.]*.json")) if path not in pending
    ]
    for path, renames in zip(draw.sample(whole, min(2, len(whole))), (False, True), strict=False):
        bad = path
        if renames:
            taken = {path.stem, *(one.stem for one in pending)}
            if not (others := [run_id for run_id in run_ids if run_id not in taken]):
                continue
            name = draw.choice(others)
            bad = records / "runs" / name[:2] / f"{name}.json"
            bad.parent.mkdir(exist_ok=True)
            path.replace(bad)
        else:
            # A record that lacks only its last line end is complete.
            path.write_bytes(path.read_bytes()[: draw.randrange(path.stat().st_size - 1)])
        pending.append(bad)
        counts["damaged"] += 1


def _phase(records: Path) -> str:
    """What the process was doing when it was killed, as far as what it left tells."""
    if any((records / "runs").glob("*/*.json")):
        return "records begun"
    if any((records / "checkpoints").glob("*/*orbax-checkpoint-tmp*")):
        return "while saving"
    return "in training" if any((records / "checkpoints").glob("*/[0-9]*")) else "before training"


def results(records: Path) -> dict[str, Any]:
    """The record of each run without its provenance, and digests of its parameters, by id."""
    results: dict[str, Any] = {}
    for path in (records / "runs").glob("*/*.json"):
        record = json.loads(path.read_text())["record"]
        # Seconds, host and the like differ between two trainings of the same run.
        record.pop("provenance")
        manifest = records / "params" / path.stem / "run.json"
        results[path.stem] = (
            record,
            json.loads(manifest.read_text()) if manifest.exists() else None,
        )
    return results
