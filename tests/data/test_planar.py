"""Points in the plane: each lies on its class's curve, noise has its deviation, and a seed is its
rows."""

import numpy as np
from sklearn.datasets import make_moons

from research.data.planar import moons, spirals
from research.data.source import open_source


def test_moons_lie_where_scikit_learns_do() -> None:
    """Half of the angles lie in each half of the arc; 0.18 is five standard errors of 200 rows."""
    table = moons(300, 101, 0, 0)
    x, y = np.asarray(table.x, np.float64), table.y
    assert (x.shape, table.test_size, table.classes, table.features) == (
        (401, 2),
        101,
        ("0", "1"),
        ("x", "y"),
    )
    assert sorted(np.bincount(y)) == [200, 201]
    curves, classes = make_moons(4001, shuffle=False)
    for label in (0, 1):
        distance = np.linalg.norm(x[y == label][:, None] - curves[classes == label], axis=-1).min(1)
        assert distance.max() < np.pi / 2000
    angle = np.arctan2(x[y == 0, 1], x[y == 0, 0])
    np.testing.assert_allclose(
        np.histogram(angle, 2, (-1e-6, np.pi + 1e-6))[0] / 200, 0.5, atol=0.18
    )


def test_spirals_by_their_formula() -> None:
    """The angle follows the radius; 1e-12 in the cosine is 1.4e-6 in the angle, float32 rounding."""
    table = spirals(300, 99, 3, 450, 0, 0)
    x, y = np.asarray(table.x, np.float64), table.y
    np.testing.assert_array_equal(np.bincount(y), [133] * 3)
    r = np.linalg.norm(x, axis=1)
    angle = np.arctan2(x[:, 1], x[:, 0])
    off = angle - 2 * np.pi * (1.25 * r + y / 3)
    np.testing.assert_allclose(np.cos(off[r > 0.05]), 1, atol=1e-12)
    # As dense outside as inside: the square of the radius is uniform, whose mean has a standard
    # error of 0.0145.
    assert r.max() <= 1 + 1e-6
    assert abs(np.mean(r**2) - 0.5) < 5 * np.sqrt(1 / 12 / 399)


def test_noise_has_its_deviation() -> None:
    for load, options in ((moons, ()), (spirals, (2, 540))):
        clean, noisy = (load(4000, 1, *options, noise, 0).x for noise in (0, 20))
        assert abs(np.std(noisy - clean) - 0.2) < 5 * 0.2 / np.sqrt(2 * noisy.size)


def test_they_are_prepared_sets(cache: str) -> None:
    small = {"size": 20, "test": 10}
    source = open_source(
        "spirals", {**small, "classes": 3, "seed": 4}, data_dir=None, cache_dir=cache
    )
    assert (source.spec.inputs.shape, source.spec.size, source.spec.test_size) == ((2,), 30, 10)
    np.testing.assert_array_equal(source.arrays().x, spirals(20, 10, 3, 540, 2, 4).x)
    first, other = (
        open_source("moons", small | {"seed": s}, data_dir=None, cache_dir=cache) for s in (0, 1)
    )
    assert first.spec.fingerprint != other.spec.fingerprint
