"""K-means: each row belongs to the nearest of k centres, which are the means of their rows."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import jax
import numpy as np

from research import rng
from research.baselines.clusterer import Centroids, Clusters, centers_of, enough_rows
from research.baselines.estimator import LabelledExamples, Predict
from research.baselines.lloyd import STREAM, Lloyd, lloyd, plus_plus, random_rows
from research.baselines.scikit_learn import flat
from research.data.reductions import principal_components
from research.options import Count, NonNegative
from research.registry import ARCHITECTURES, HostEstimator

# Lanes of one call. A block goes on until its last lane has ended, so small blocks waste less; the
# matrix products of fewer lanes are slower.
BLOCK = 8
Start = Annotated[
    Literal["k-means++", "random", "pca"],
    "first centres: k-means++; random rows; pca: the principal components",
]


@dataclasses.dataclass(frozen=True)
class KMeans:
    """Lloyd's algorithm on the device, in float64; many fits run as lanes of one program.

    From the same start it ends with the labels and the inertia of scikit-learn's
    `KMeans(algorithm="lloyd")`.

    Example:
        >>> x = np.array([[0.0], [1.0], [8.0], [9.0]])
        >>> train = LabelledExamples(x, np.zeros(4))
        >>> predict = KMeans(outputs=2, n_clusters=2)(train, train, seed=0)
        >>> sorted(predict.centers[:, 0].tolist())
        [0.5, 8.5]
    """

    outputs: int
    n_clusters: Clusters = 8.0
    init: Start = "k-means++"
    n_init: Annotated[Count, "starts; the fit with the least inertia is used"] = 1
    max_iter: Annotated[Count, "largest number of updates of the centres"] = 300
    tol: Annotated[
        NonNegative,
        "stop once the squared moves of the centres sum to this share of the mean variance",
    ] = 1e-4

    def __call__(
        self, train: LabelledExamples, validation: LabelledExamples | None, seed: int
    ) -> Predict:
        """The predictor."""
        (predict,) = self.together([self], [train], [seed])
        return predict

    @staticmethod
    def together(
        fits: "Sequence[KMeans]", trains: Sequence[LabelledExamples], seeds: Sequence[int]
    ) -> list[Predict]:
        """Several fits at once, which differ in their rows, seeds, `n_clusters` and `tol` alone.

        Args:
            fits: what is fitted.
            trains: the training examples of each.
            seeds: the seed of each.
        """
        by_shape: dict[tuple[int, ...], list[_Fit]] = {}
        wanted = []
        for fit, train, seed in zip(fits, trains, seeds, strict=True):
            x = flat(train.x)
            wanted.append(_Fit(fit, x, x.mean(axis=0), seed))
            # Folds may differ by a row, and lanes have arrays of one shape.
            by_shape.setdefault(x.shape, []).append(wanted[-1])
        predictors: dict[int, Predict] = {}
        for alike in by_shape.values():
            predictors |= {id(one): best for one, best in zip(alike, _best(alike), strict=True)}
        return [predictors[id(one)] for one in wanted]


@dataclasses.dataclass(frozen=True)
class _Fit:
    """A fit of several. x: its rows, float64 [N, D]. middle: their mean, [D]."""

    method: KMeans
    x: np.ndarray
    middle: np.ndarray
    seed: int

    def seed_of(self, restart: int) -> int:
        """The seed of a start."""
        if not restart:
            return self.seed
        return int(rng.host(self.seed, f"{STREAM} {restart}").integers(2**32))


def _best(fits: Sequence[_Fit]) -> list[Centroids]:
    """The best start of each fit; their rows have one shape."""
    starts = range(fits[0].method.n_init)
    lanes = [(fit, fit.seed_of(start)) for fit in fits for start in starts]
    ended = _lloyd(lanes)
    centroids = [_centroids(fit, end) for (fit, _), end in zip(lanes, ended, strict=True)]
    if len(starts) == 1:
        return centroids
    inertia = np.array([c(fit.x)[:, 1].sum() for c, (fit, _) in zip(centroids, lanes, strict=True)])
    best = inertia.reshape(len(fits), -1).argmin(axis=1)
    return [centroids[index * len(starts) + place] for index, place in enumerate(best)]


def _lloyd(lanes: Sequence[tuple[_Fit, int]]) -> list[Lloyd]:
    """The fits of lanes with their seeds, each without the axis of lanes."""
    first = lanes[0][0]
    clusters = max(int(fit.method.n_clusters) for fit, _ in lanes)
    # Idle lanes fill a block to a power of two, so that few numbers of lanes are compiled.
    width = min(BLOCK, 1 << (len(lanes) - 1).bit_length())
    # Rows far from 0 would cancel digits of their distances, so each lane's mean is subtracted.
    middle = first.x - first.middle
    shared = all(np.array_equal(fit.x, first.x) for fit, _ in lanes)
    with jax.enable_x64(True):
        same = jax.device_put(middle)
        running = []
        for begin in range(0, len(lanes), width):
            block = lanes[begin : begin + width]
            idle = width - len(block)
            count = np.array([int(fit.method.n_clusters) for fit, _ in block] + [0] * idle)
            tolerance = [fit.method.tol * fit.x.var(axis=0).mean() for fit, _ in block]
            x = same
            if not shared:
                x = np.stack([fit.x - fit.middle for fit, _ in block] + [middle] * idle)
            start = _start(block, x, count, clusters)
            # Not waited for: blocks run side by side, as far as there are cores.
            running.append(
                lloyd(x, start, count, np.array(tolerance + [0.0] * idle), first.method.max_iter)
            )
        ended = jax.device_get(running)
    places = [divmod(lane, width) for lane in range(len(lanes))]
    return [jax.tree.map(lambda leaf, p=place: leaf[p], ended[block]) for block, place in places]


def _start(lanes: Sequence[tuple[_Fit, int]], x: Any, count: np.ndarray, clusters: int) -> Any:
    """The first centres, [L, K, D].

    Args:
        lanes: fits and their seeds.
        x: the rows, [N, D] for all lanes or [L, N, D].
        count: how many clusters each lane has, [L].
        clusters: K.
    """
    init = lanes[0][0].method.init
    if init == "pca":
        start = np.zeros((len(count), clusters, x.shape[-1]))
        for lane, (fit, _) in enumerate(lanes):
            start[lane, : count[lane]] = _components(fit.x, count[lane]) - fit.middle
        return start
    seeds = np.zeros(len(count), np.uint32)
    seeds[: len(lanes)] = [seed for _, seed in lanes]
    draw = plus_plus if init == "k-means++" else random_rows
    return draw(x, seeds, count, clusters)


def _components(x: np.ndarray, count: int) -> np.ndarray:
    """The first principal components of rows [N, D], [count, D]."""
    return np.asarray(principal_components(x, int(count)).components_)


def _centroids(fit: _Fit, ended: Lloyd) -> Centroids:
    """The centres of a lane that is over.

    They are the means of its clusters again: sums on the device may round otherwise beside other
    lanes, and a run repeats its bits alone.
    """
    clusters = int(fit.method.n_clusters)
    centers = np.asarray(ended.centers[:clusters]) + fit.middle
    if not ended.refilled:
        means = centers_of(fit.x, np.asarray(ended.members), clusters)
        centers = np.where(np.isnan(means), centers, means)
    iterations = int(ended.iterations)
    most = fit.method.max_iter
    notes = []
    if iterations == most:
        notes.append(f"k-means has not converged after {most} iterations")
    if (used := len(np.unique(ended.labels))) < clusters:
        notes.append(f"only {used} of {clusters} clusters have rows, since rows are the same")
    return Centroids(centers, iterations, tuple(notes))


def few_components(config: Any, spec: Any) -> str | None:
    """A start from principal components has as many of them as clusters."""
    numbers = int(np.prod(spec.inputs.shape))
    if config.arch["init"] != "pca" or int(config.arch["n_clusters"]) <= numbers:
        return None
    return (
        f"arch.init=pca has at most {numbers} components, one per number of an example; take"
        f" arch.n_clusters={numbers} or fewer, or init=k-means++"
    )


ARCHITECTURES.add(
    HostEstimator(
        "kmeans",
        KMeans,
        "k centres, each the mean of the rows that are nearest to it",
        "Lloyd 1982; Arthur & Vassilvitskii 2007, k-means++",
        tasks=("clustering",),
        constraints=(enough_rows, few_components),
        test_options={"n_clusters": 3},
    )
)
