"""Tuning: 64 parallel trials as lanes against Optuna's usual, one process a trial."""

import functools
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from benchmarks.packing import PROCESSES, REPEATS, SAMPLE
from benchmarks.process import launch

TRIALS = 64
BASE = ("--dataset=digits", "--arch.hidden=64", "--epochs=10", "--batch_size=64")
AXES = ("--sample=learning_rate=log(1e-3,0.5)", "--sample=regularization.dropout=uniform(0,0.8)")


def measure() -> None:
    """Trials a minute on digits (10 epochs, batch 64): launch.tune, its report of one run included,
    and processes.

    The processes share a journal, two at a time; a sample of them is timed. The compile cache is
    warm throughout.
    """
    with tempfile.TemporaryDirectory() as folder:

        def together(place: int) -> None:
            budget = (
                f"--trials={TRIALS}",
                f"--parallel={TRIALS}",
                "--report_seeds=1",
                "--name=tuning",
            )
            launch("tune", *BASE, *AXES, *budget, f"--records={folder}/{place}")

        def apart(place: int) -> None:
            where = (f"--journal={folder}/apart.journal", f"--records={folder}/apart{place}")
            launch("benchmarks.trial", *BASE, *AXES, *where)

        def sample() -> None:
            with ThreadPoolExecutor(PROCESSES) as pool:
                list(pool.map(apart, range(SAMPLE.value)))

        apart(SAMPLE.value)
        # The compile cache is warm from here on.
        together(REPEATS.value)
        lanes = statistics.median(
            _seconds(functools.partial(together, place)) for place in range(REPEATS.value)
        )
        processes = _seconds(sample) / SAMPLE.value * TRIALS
    print(f"| {TRIALS} trials of an MLP on digits | seconds | trials a minute |")
    print("| --- | ---: | ---: |")
    for label, seconds in (
        ("as lanes", lanes),
        (f"a process each, {PROCESSES} at a time", processes),
    ):
        print(f"| {label} | {seconds:.1f} | {60 * TRIALS / seconds:.1f} |")
    print(f"\nas lanes: {processes / lanes:.1f} times as many trials a minute")


def _seconds(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin
