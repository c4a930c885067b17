"""Importance: permutations of a network as one compiled call, against scikit-learn's function
around the same network."""

import statistics
import time

import jax
import numpy as np
from sklearn.inspection import permutation_importance as of_scikit_learn

from benchmarks.packing import REPEATS
from launch.cli.planner import planner
from research.analysis.importance.feature_columns import features_of
from research.analysis.importance.kept_run import KeptRun, without_rows
from research.analysis.importance.permutation_importance import permutation_importance
from research.sweeps.records.record import Record
from research.training.apply.final_metrics import run_lane
from research.training.step import network

SEEDS, SHUFFLES, HIDDEN = 10, 30, 64
SETTINGS = {"dataset": "breast_cancer", "split_seed": 0, "arch.hidden": HIDDEN}
# scikit-learn's seeds that are timed in a round.
SAMPLED_SEEDS = 2


class AsEstimator:
    """A network as scikit-learn takes it: compiled, and called once for each shuffle."""

    def __init__(self, run: KeptRun) -> None:
        lane = without_rows(run.lane)
        self.predict = jax.jit(lambda x: network.predict(run.program, run.variables, lane, x))

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        """It is fitted."""

    def score(self, x: np.ndarray, y: np.ndarray) -> float:
        """The accuracy."""
        return float((np.asarray(self.predict(x)).argmax(axis=1) == y).mean())


def measure() -> None:
    """An MLP of the 30 features of breast_cancer (64 hidden units, 57 test rows): 30 shuffles of
    each feature for 10 seeds.

    Its parameters are the initial ones: how good a network is does not change the time. A sample of
    the seeds is timed in scikit-learn, whose importances must be the same. Both take turns after a
    first round that compiles, and medians are reported.
    """
    runs = _networks()
    features = features_of(runs[0].raw)
    estimators = [AsEstimator(run) for run in runs[:SAMPLED_SEEDS]]
    ours, theirs = [], []
    for repeat in range(REPEATS.value + 1):
        begin = time.perf_counter()
        values = permutation_importance(runs, features, "accuracy", "test", SHUFFLES)
        middle = time.perf_counter()
        for run, estimator, of_run in zip(runs, estimators, values, strict=False):
            rows = run.rows("test")
            expected = of_scikit_learn(
                estimator,
                run.inputs(rows),
                run.targets(rows),
                n_repeats=SHUFFLES,
                random_state=run.seed,
            ).importances
            np.testing.assert_allclose(of_run, expected, atol=1e-5)
        if repeat:
            ours.append(middle - begin)
            theirs.append((time.perf_counter() - middle) * SEEDS / SAMPLED_SEEDS)
    one_call, alone = statistics.median(ours), statistics.median(theirs)
    print(f"| {len(features)} features × {SHUFFLES} shuffles × {SEEDS} seeds | seconds |")
    print("| --- | ---: |")
    print(f"| scikit-learn's permutation_importance | {alone:.2f} |")
    print(f"| one compiled call | {one_call:.3f} |")
    print(f"\nratio: {alone / one_call:.0f}")


def _networks() -> list[KeptRun]:
    """A network per seed, as it begins."""
    plans = planner()
    networks = []
    for run in plans.runs([{**SETTINGS, "seed": seed} for seed in range(SEEDS)]):
        arrays = plans.arrays(run)
        lane = run_lane(run.program, run.config, arrays)
        variables = jax.device_get(network.init(run.program, lane))
        networks.append(KeptRun(Record(run.id, "finished", {}), run, lane, variables, arrays))
    return networks
