"""Cores: no library uses more threads than the worker's share."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import research.catalogue  # noqa: F401
from research.baselines import cores
from research.baselines.estimator import LabelledExamples
from research.registry import ARCHITECTURES


def test_the_share_is_the_least_of_what_bounds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    monkeypatch.setattr("joblib.cpu_count", lambda: 8)
    assert cores.cores() == 8
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    assert cores.cores() == 3
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "12")
    assert cores.cores() == 8
    assert cores.threads(cores.WORTH_THREADS - 1) == 1


def test_the_libraries_below_are_bounded() -> None:
    with cores.thread_share(10) as count:
        inside = {pool["num_threads"] for pool in threadpool_info()}
    assert (count, inside) == (1, {1})


def started(arch: str) -> int:
    """How many threads a fit and a prediction start; a thread's pools are not shared with others."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(4000, 20))
    examples = LabelledExamples(x, np.arange(4000) % 2)
    entry = ARCHITECTURES.get(arch)
    fit = entry.fit(outputs=2, task="classification", **entry.test_options)

    def threads_since() -> int:
        before = len(os.listdir("/proc/self/task"))
        predict = fit(examples, examples, 0)
        with cores.thread_share(x.size):
            predict(x)
        return len(os.listdir("/proc/self/task")) - before

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(threads_since).result()


@pytest.mark.parametrize("arch", ["lightgbm", "xgboost", "catboost", "histogram_boosting"])
def test_a_share_of_one_core_starts_no_threads(arch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "WORTH_THREADS", 0)
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    assert started(arch) == 0


def test_a_share_of_several_cores_starts_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """The count above can be another."""
    monkeypatch.setattr(cores, "cores", lambda: 3)
    monkeypatch.setattr(cores, "WORTH_THREADS", 0)
    assert started("xgboost") > 0
