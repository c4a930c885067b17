"""Folds: five folds of ten seeds as one sweep against a process per fold, and against
scikit-learn's cross-validation of its own network; a bagging against one run."""

import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from benchmarks.packing import PROCESSES, REPEATS
from benchmarks.process import launch
from launch.cli.start import CACHE_DIR
from research.api import sweep

FOLDS, SEEDS, MEMBERS = 5, 10, 20
HIDDEN, BATCH, EPOCHS, RATE = 64, 64, 40, 0.1
# Every row trains in each epoch, as in scikit-learn: the last batch is a smaller one.
SETTINGS: dict[str, Any] = {
    "dataset": "digits",
    "arch_hidden": HIDDEN,
    "batch_size": BATCH,
    "epochs": EPOCHS,
    "learning_rate": RATE,
    "remainder": "pad",
    "scaling": "minmax",
}
# What is timed in a round: of the fifty processes, and of scikit-learn's ten seeds.
SAMPLE, SAMPLED_SEEDS = 4, 2


def measure() -> None:
    """An MLP on digits (64 units, 40 epochs, batches of 64), 5 folds of 10 seeds.

    Processes start two at a time, as a user with two cores would start them. A sample of them is
    timed, and of scikit-learn's seeds. Its MLPClassifier has the same size, rate, batches and
    epochs and is timed in this process, as the sweep is that it is compared with. What is compared
    takes turns, and the medians are reported. The compile cache is warm throughout.
    """
    flags = [f"--{name.replace('arch_', 'arch.')}={value}" for name, value in SETTINGS.items()]
    with tempfile.TemporaryDirectory() as folder:

        def fresh() -> str:
            """A folder for records that nothing has been trained into."""
            return tempfile.mkdtemp(dir=folder)

        split = f"--split=kfold({FOLDS})"

        def process(fold: int) -> None:
            launch("train", *flags, split, f"--fold={fold}", f"--records={fresh()}")

        def processes() -> None:
            with ThreadPoolExecutor(PROCESSES) as pool:
                list(pool.map(process, range(SAMPLE)))

        actions: dict[str, Callable[[], object]] = {
            "a process per fold": processes,
            "one sweep": lambda: launch(
                "sweep", *flags, split, f"--seeds={SEEDS}", f"--records={fresh()}"
            ),
            "cross_val_score": _cross_validate,
            "the sweep, in this process": lambda: sweep(
                {**SETTINGS, "split": f"kfold({FOLDS})"},
                seeds=SEEDS,
                records=fresh(),
                cache_dir=CACHE_DIR.value,
            ),
            "start-up": lambda: launch("list", "optimizers"),
            "one run": lambda: launch("train", *flags, f"--records={fresh()}"),
            "a bagging": lambda: launch(
                "train", *flags, f"--ensemble=bagging({MEMBERS})", f"--records={fresh()}"
            ),
        }
        seconds = _medians(actions)
    seconds["a process per fold"] *= FOLDS * SEEDS / SAMPLE
    seconds["cross_val_score"] *= SEEDS / SAMPLED_SEEDS
    _print(seconds)


def _print(seconds: dict[str, float]) -> None:
    """The table of seconds, and the ratios of what was compared."""
    print(f"| {FOLDS} folds of {SEEDS} seeds of an MLP on digits | seconds |")
    print("| --- | ---: |")
    for label, median in seconds.items():
        print(f"| {label} | {median:.1f} |")
    start = seconds["start-up"]
    ratios = {
        "a process per fold / one sweep": seconds["a process per fold"] / seconds["one sweep"],
        "cross_val_score / the sweep": seconds["cross_val_score"]
        / seconds["the sweep, in this process"],
        f"a bagging of {MEMBERS} / one run": seconds["a bagging"] / seconds["one run"],
        "the same without start-up": (seconds["a bagging"] - start) / (seconds["one run"] - start),
    }
    print()
    for label, ratio in ratios.items():
        print(f"{label}: {ratio:.1f}")


def _medians(actions: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The median seconds of each action over rounds that have all of them in turn, after a first
    round that fills the caches."""
    taken: dict[str, list[float]] = {label: [] for label in actions}
    for repeat in range(REPEATS.value + 1):
        for label, action in actions.items():
            begin = time.perf_counter()
            action()
            if repeat:
                taken[label].append(time.perf_counter() - begin)
    return {label: statistics.median(times) for label, times in taken.items()}


def _cross_validate() -> None:
    """The same networks by scikit-learn."""
    from sklearn.datasets import load_digits
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import KFold, cross_val_score
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    x, y = load_digits(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it counts epochs, as asked
        for seed in range(SAMPLED_SEEDS):
            network = MLPClassifier(
                (HIDDEN,),
                solver="sgd",
                alpha=0.0,
                momentum=0.0,
                batch_size=BATCH,
                learning_rate_init=RATE,
                max_iter=EPOCHS,
                tol=0.0,
                n_iter_no_change=EPOCHS,
                random_state=seed,
            )
            folds = KFold(FOLDS, shuffle=True, random_state=seed)
            cross_val_score(make_pipeline(MinMaxScaler(), network), np.asarray(x), y, cv=folds)
