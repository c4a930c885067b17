"""K-means: fifty fits as lanes of one program against fifty of scikit-learn, on the same rows."""

import statistics
import time
from collections.abc import Callable

import numpy as np

import research.catalogue  # noqa: F401
from benchmarks.packing import PROCESSES, REPEATS
from research.baselines.estimator import LabelledExamples
from research.baselines.kmeans import KMeans

FITS, CLUSTERS = 50, 10


def measure() -> None:
    """Fits of digits (1797 rows of 64 standardized pixels), k = 10, k-means++, one start each.

    Both compute in float64 and stop by the same rule. What is compared takes turns; medians are
    reported. The first round, in which programs are compiled and processes started, is left out.
    """
    from sklearn.datasets import load_digits
    from sklearn.preprocessing import scale

    x = scale(load_digits().data)
    examples = LabelledExamples(x, np.zeros(len(x)))
    inertia: dict[str, float] = {}

    def lanes() -> None:
        fits = [KMeans(outputs=2, n_clusters=float(CLUSTERS))] * FITS
        fitted = KMeans.together(fits, [examples] * FITS, range(FITS))
        inertia["lanes"] = float(np.mean([predict(x)[:, 1].sum() for predict in fitted]))

    def one_after_another() -> None:
        inertia["scikit-learn"] = float(np.mean([_inertia(x, seed) for seed in range(FITS)]))

    def in_processes() -> None:
        from joblib import Parallel, delayed

        Parallel(PROCESSES)(delayed(_inertia)(x, seed) for seed in range(FITS))

    seconds = _medians(
        {
            "lanes of one program": lanes,
            "scikit-learn, one after another": one_after_another,
            f"scikit-learn, {PROCESSES} processes": in_processes,
        }
    )
    print(f"| {FITS} fits of k-means to digits, k = {CLUSTERS} | seconds | CPU seconds |")
    print("| --- | ---: | ---: |")
    for label, (wall, cpu) in seconds.items():
        print(f"| {label} | {wall:.2f} | {cpu:.2f} |")
    print()
    (ours, _), *theirs = seconds.values()
    for label, (wall, _) in zip(list(seconds)[1:], theirs, strict=True):
        print(f"{label} / lanes: {wall / ours:.1f}")
    for label, mean in inertia.items():
        print(f"mean inertia, {label}: {mean:.0f}")


def _inertia(x: np.ndarray, seed: int) -> float:
    """Of scikit-learn's fit."""
    from sklearn.cluster import KMeans as Library

    return float(Library(CLUSTERS, n_init=1, random_state=seed).fit(x).inertia_)


def _medians(actions: dict[str, Callable[[], object]]) -> dict[str, tuple[float, float]]:
    """The median seconds of each action, by the clock and of this process's cores, over rounds that
    have all of them in turn."""
    taken: dict[str, list[tuple[float, float]]] = {label: [] for label in actions}
    for repeat in range(REPEATS.value + 1):
        for label, action in actions.items():
            begin = time.perf_counter(), time.process_time()
            action()
            end = time.perf_counter(), time.process_time()
            if repeat:
                taken[label].append((end[0] - begin[0], end[1] - begin[1]))
    return {
        label: tuple(statistics.median(column) for column in zip(*rows, strict=True))
        for label, rows in taken.items()
    }
