"""The bundled data sets: scikit-learn's own tables (and digits' images), as TFDS builders prepared
in the cache."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from research.data.builder import open_built
from research.data.data_table import Table
from research.data.spec import Source
from research.registry import DATASETS, Entry

# Tables without test rows of their own: each seed splits all their rows.
BUNDLED: set[str] = set()
# Raised when what a loader returns changes.
VERSION = "1.0.0"


def open_bundled(
    name: str, load: Callable[[], Table], *, data_dir: str | None, cache_dir: str
) -> Source:
    """A bundled table, prepared under `cache_dir` the first time. Raises UserError if that cannot
    be written.

    Example:
        >>> _classes("load_iris").classes
        ('setosa', 'versicolor', 'virginica')
        >>> _images().x.shape
        (1797, 8, 8, 1)
    """
    return open_built(load, name, VERSION, cache_dir=cache_dir, name=name)


def _images() -> Table:
    digits = _sklearn("load_digits")
    images = digits.images[..., None].astype(np.uint8)  # [1797, 8, 8, 1], values 0 to 16
    return Table(
        images,
        digits.target.astype(np.int32),
        tuple(str(name) for name in digits.target_names),
        maximum=16.0,
    )


def _classes(loader: str) -> Table:
    bunch = _sklearn(loader)
    classes = tuple(str(name) for name in bunch.target_names)
    return Table(
        bunch.data.astype(np.float32), bunch.target.astype(np.int32), classes, _names(bunch)
    )


def _values() -> Table:
    # Raw: scaling is fitted on training rows, not on all of them.
    bunch = _sklearn("load_diabetes", scaled=False)
    return Table(
        bunch.data.astype(np.float32), bunch.target.astype(np.float32), features=_names(bunch)
    )


def _names(bunch: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in bunch.feature_names)


def _sklearn(loader: str, **options: Any) -> Any:
    import sklearn.datasets

    return getattr(sklearn.datasets, loader)(**options)


def _add(name: str, load: Callable[[], Table], summary: str, paper: str) -> None:
    BUNDLED.add(name)
    DATASETS.add(Entry(name, functools.partial(open_bundled, name, load), summary, paper))


_add(
    "digits",
    _images,
    "1,797 handwritten digits, 8x8 pixels with values 0 to 16, 10 classes",
    "Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI 1998",
)
_add(
    "iris",
    functools.partial(_classes, "load_iris"),
    "150 flowers, 4 measurements, 3 species",
    "Fisher, The use of multiple measurements in taxonomic problems, 1936",
)
_add(
    "wine",
    functools.partial(_classes, "load_wine"),
    "178 wines, 13 chemical measurements, 3 cultivars",
    "Aeberhard & Forina, Wine, UCI 1992",
)
_add(
    "breast_cancer",
    functools.partial(_classes, "load_breast_cancer"),
    "569 tumours, 30 measurements of cell nuclei, malignant or benign",
    "Street, Wolberg & Mangasarian, Nuclear feature extraction for breast tumor diagnosis, 1993",
)
_add(
    "diabetes",
    _values,
    "442 patients, 10 measurements in their own units, disease progression after a year"
    " (regression)",
    "Efron, Hastie, Johnstone & Tibshirani, Least angle regression, 2004",
)
