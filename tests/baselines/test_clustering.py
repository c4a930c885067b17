"""Clusterings: k-means on the device is scikit-learn's, whatever lanes are beside it; the others are
direct calls of the library; metrics are the library's."""

import functools
from typing import Any

import chex
import jax
import numpy as np
import pytest
from sklearn import cluster, metrics, mixture
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.preprocessing import scale

import research.catalogue  # noqa: F401
from research.baselines.clusterer import NOISE, cluster_scores
from research.baselines.estimator import LabelledExamples
from research.baselines.kmeans import KMeans
from research.baselines.lloyd import Lloyd, lloyd, plus_plus, random_rows
from research.errors import UserError
from research.registry import ARCHITECTURES, METRICS, TASKS


def blobs(rows: int = 90, seed: int = 0) -> np.ndarray:
    """Three groups in the plane, float64 [rows, 2]."""
    generator = np.random.default_rng(seed)
    middles = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])
    return middles[np.arange(rows) % 3] + generator.normal(size=(rows, 2))


def examples(x: np.ndarray) -> LabelledExamples:
    return LabelledExamples(x, np.zeros(len(x), np.int32))


def ended(x: np.ndarray, start: np.ndarray, tol: float = 0.0) -> Lloyd:
    """Lloyd's algorithm from one start [K, D], a lane of its own."""
    with jax.enable_x64(True):
        count = np.array([len(start)])
        return jax.device_get(lloyd(x, start[None], count, np.array([tol]), 300))


def predict(name: str, x: np.ndarray, **options: Any) -> Any:
    return ARCHITECTURES.get(name).fit(outputs=2, **options)(examples(x), examples(x), seed=0)


@functools.cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    data = load_digits()
    return scale(data.data), data.target


def test_digits_from_the_components_start_are_the_librarys() -> None:
    """The course's table of digits: its first centres are the principal components."""
    x, y = digits()
    fitted = KMeans(outputs=2, n_clusters=10, init="pca")(examples(x), None, 0)
    scores = fitted(x)
    start = PCA(10).fit(x).components_
    library = cluster.KMeans(10, init=start, n_init=1).fit(x)
    np.testing.assert_array_equal(scores[:, 0], library.labels_)
    assert fitted.iterations == library.n_iter_
    ours = TASKS.get("clustering").build().summary(scores, {"inputs": x})
    assert ours["inertia"] == pytest.approx(library.inertia_, rel=1e-12)
    assert ours["silhouette"] == pytest.approx(
        metrics.silhouette_score(x, library.labels_), rel=1e-9
    )
    of_classes = {
        "ari": metrics.adjusted_rand_score,
        "ami": metrics.adjusted_mutual_info_score,
        "homogeneity": metrics.homogeneity_score,
        "completeness": metrics.completeness_score,
        "v_measure": metrics.v_measure_score,
    }
    for name, function in of_classes.items():
        measured = METRICS.get(name).build()(scores, {"labels": y})
        assert measured == pytest.approx(function(y, library.labels_), rel=1e-12)


@pytest.mark.parametrize("spread", [1.0, 20.0], ids=["near", "far, so that clusters are empty"])
def test_any_start_ends_as_the_librarys(spread: float) -> None:
    x = blobs() - blobs().mean(axis=0)
    start = spread * np.random.default_rng(1).normal(size=(8, 2))
    of_start = ended(x, start)
    library = cluster.KMeans(8, init=start, n_init=1, tol=0).fit(x)
    np.testing.assert_array_equal(of_start.labels[0], library.labels_)
    np.testing.assert_allclose(of_start.centers[0], library.cluster_centers_, atol=1e-12)
    assert of_start.iterations[0] == library.n_iter_


def test_empty_clusters_get_the_farthest_rows() -> None:
    """Two of three centres are nowhere near: by hand, 9 and then 0 are farthest from 4."""
    x = np.array([[0.0], [3.0], [4.0], [5.0], [9.0]])
    start = np.array([[4.0], [100.0], [200.0]])
    library = cluster.KMeans(3, init=start, n_init=1, max_iter=1).fit(x)
    with jax.enable_x64(True):
        one = jax.device_get(lloyd(x, start[None], np.array([3]), np.zeros(1), 1))
    np.testing.assert_allclose(one.centers[0, :, 0], [4.0, 9.0, 0.0])
    np.testing.assert_allclose(library.cluster_centers_[:, 0], [4.0, 9.0, 0.0])
    assert one.refilled[0]


def test_lanes_are_fits_alone_bit_for_bit() -> None:
    """Lanes of other seeds, rows, numbers of clusters and tolerances change no bit of each other."""
    fits = [KMeans(outputs=2, n_clusters=k, tol=tol) for k, tol in ((2, 0.0), (5, 1e-4), (3, 0.1))]
    trains = [examples(blobs(seed=seed)) for seed in (0, 1, 2)]
    together = KMeans.together(fits, trains, [7, 8, 9])
    for fit, train, seed, fitted in zip(fits, trains, (7, 8, 9), together, strict=True):
        alone = fit(train, None, seed)
        assert alone.centers.tobytes() == fitted.centers.tobytes()
        assert alone.centers.shape == (fit.n_clusters, 2)
    shared = KMeans.together([fits[1]] * 2, [trains[0]] * 2, [1, 2])
    assert shared[0].centers.tobytes() == fits[1](trains[0], None, 1).centers.tobytes()


def test_folds_of_other_sizes_are_fitted_together() -> None:
    trains = [examples(blobs(rows)) for rows in (90, 89, 90)]
    fitted = KMeans.together([KMeans(outputs=2, n_clusters=3)] * 3, trains, [0, 0, 0])
    assert fitted[1].centers.tobytes() == KMeans(2, 3)(trains[1], None, 0).centers.tobytes()


def test_more_restarts_are_never_worse() -> None:
    x = blobs()
    inertia = [
        KMeans(outputs=2, n_clusters=8, init="random", n_init=count)(examples(x), None, 3)(x)[
            :, 1
        ].sum()
        for count in (1, 5)
    ]
    assert inertia[1] <= inertia[0]


def test_starts_are_rows_and_spread() -> None:
    x = blobs(30)
    seeds, count = np.arange(4, dtype=np.uint32), np.array([3, 2, 3, 3])
    with jax.enable_x64(True):
        for draw in (plus_plus, random_rows):
            start = np.asarray(draw(x, seeds, count, 3))
            chex.assert_shape(start, (4, 3, 2))
            assert not start[1, 2].any()
            chosen = start[[0, 2, 3]].reshape(-1, 2)
            assert (chosen[:, None] == x[None]).all(axis=2).any(axis=1).all()
        of_plus_plus = np.asarray(plus_plus(x, np.arange(64, dtype=np.uint32), np.full(64, 3), 3))
    # Groups are six deviations apart, so a start has a row of each of them.
    groups = [{tuple(np.round(row / 6).astype(int)) for row in of_lane} for of_lane in of_plus_plus]
    assert np.mean([len(of_lane) >= 3 for of_lane in groups]) > 0.9


def test_shapes_of_fits() -> None:
    of_start = ended(blobs(20), blobs(3))
    chex.assert_shape(of_start.centers, (1, 3, 2))
    chex.assert_shape([of_start.labels, of_start.members], (1, 20))
    chex.assert_shape([of_start.refilled, of_start.iterations], (1,))


LIBRARY = {
    "minibatch_kmeans": cluster.MiniBatchKMeans(3, batch_size=1024, n_init=1, random_state=0),
    "gaussian_mixture": mixture.GaussianMixture(3, random_state=0),
    **{
        linkage: cluster.AgglomerativeClustering(3, linkage=linkage)
        for linkage in ("ward", "average", "complete", "single")
    },
    "dbscan": cluster.DBSCAN(eps=1.0, min_samples=4),
}


@pytest.mark.parametrize("name", LIBRARY)
def test_clusters_are_those_of_the_library(name: str) -> None:
    x = blobs()
    options: dict[str, Any] = {"n_clusters": 3}
    if name == "dbscan":
        options = {"eps": 1.0, "min_samples": 4}
    elif name not in ARCHITECTURES:
        options["linkage"] = name
    arch = name if name in ARCHITECTURES else "agglomerative"
    scores = predict(arch, x, **options)(x)
    np.testing.assert_array_equal(scores[:, 0], LIBRARY[name].fit_predict(x))


def test_a_hierarchy_is_scipys() -> None:
    from scipy.cluster.hierarchy import is_valid_linkage, linkage

    x = blobs(20)
    tree = predict("agglomerative", x, n_clusters=3).tree
    assert is_valid_linkage(tree)
    np.testing.assert_allclose(tree[:, 2:], linkage(x, "ward")[:, 2:], rtol=1e-9)


@pytest.mark.parametrize("arch", ["agglomerative", "dbscan"])
def test_other_rows_are_refused(arch: str) -> None:
    x = blobs()
    clustered = predict(arch, x)
    assert clustered(x[5:7]).tobytes() == clustered(x)[5:7].tobytes()
    with pytest.raises(UserError, match=f"^arch={arch} cannot assign new rows"):
        clustered(x[:2] + 1)


def test_metrics_are_the_librarys_without_noise() -> None:
    x = blobs(30)
    labels = np.where(np.arange(30) < 4, NOISE, np.arange(30) % 3)
    centers = np.stack([x[labels == k].mean(axis=0) for k in range(3)])
    values = (
        TASKS.get("clustering").build().summary(cluster_scores(labels, x, centers), {"inputs": x})
    )
    inside = labels != NOISE
    rows, of_rows = x[inside], labels[inside]
    expected = {
        "silhouette": metrics.silhouette_score(rows, of_rows),
        "calinski_harabasz": metrics.calinski_harabasz_score(rows, of_rows),
        "davies_bouldin": metrics.davies_bouldin_score(rows, of_rows),
        "inertia": sum(((rows[of_rows == k] - centers[k]) ** 2).sum() for k in range(3)),
        "noise": 4 / 30,
    }
    assert {name: values[name] for name in expected} == pytest.approx(expected, rel=1e-12)


def test_shapes_of_one_cluster_are_undefined() -> None:
    x = blobs(6)
    scores = cluster_scores(np.zeros(6, int), x, x.mean(axis=0, keepdims=True))
    values = TASKS.get("clustering").build().summary(scores, {"inputs": x})
    undefined = {name for name, value in values.items() if np.isnan(value)}
    assert undefined == {"silhouette", "calinski_harabasz", "davies_bouldin"}
