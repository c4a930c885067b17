"""A table read as two inputs: its numbers, and the places of its categories."""

import json
from typing import Any

import jax
import numpy as np
import pytest

import research.catalogue  # noqa: F401  (fills the registries)
from research.data import in_memory
from research.data.features.image import Image
from research.data.features.named_arrays import nbytes, take
from research.data.features.prepared_table import prepared
from research.data.features.stored import from_json, to_json
from research.data.features.table_columns import TableColumns
from research.data.one_hot import OneHot
from research.data.stream import batches
from research.errors import ShapeError
from research.registry import Architecture
from research.training.setup.compatibility import advice, as_taken

F32 = np.dtype(np.float32)
# A number, a category of two, a number that may be missing, and a category of three.
TABLE = TableColumns(
    (7,),
    ("size", "wet=no", "wet=yes", "age", "colour=a", "colour=b", "colour=c"),
    origin=(10.0, 0.0, 0.0, 20.0, 0.0, 0.0, 0.0),
    impute="mean",
    categories=(0, 2, 0, 3),
)
STORED = OneHot(
    np.array([[1, 0, 5, 2], [3, 1, np.nan, np.nan], [8, 1, 7, 0]], np.float32), TABLE.categories
)
KINDS = {"numbers": "table", "categories": "categories"}


def network(**features: str) -> Architecture:
    return Architecture("net", lambda: None, "", takes=features)


def test_the_parts_of_a_table() -> None:
    parts = TABLE.named(KINDS)
    assert parts is not None
    numbers, categories = parts.parts["numbers"], parts.parts["categories"]  # type: ignore[attr-defined]
    assert (numbers.names, numbers.origin) == (("size", "age"), (10.0, 20.0))
    assert (categories.names, categories.counts) == (("wet", "colour"), (2, 3))
    x = parts.view(STORED)
    np.testing.assert_array_equal(x["numbers"], STORED.values[:, [0, 2]])
    np.testing.assert_array_equal(x["categories"], [[0, 2], [1, -1], [1, 0]])
    assert parts.view(x) is x


def test_numbers_are_filled_and_scaled_and_places_stay() -> None:
    """Rows 0 and 2 train: 1 and 8 have the mean 4.5 and the deviation 3.5; 5 and 7, 6 and 1."""
    parts = TABLE.named(KINDS)
    assert parts is not None
    x = parts.view(STORED)
    fitted = parts.fit(x, np.array([0, 2]), "standard", F32)
    np.testing.assert_allclose(fitted.shift["numbers"], [4.5, 6])
    np.testing.assert_allclose(fitted.scale["numbers"], [3.5, 1])
    seen = parts.normalize(take(x, np.array([1])), fitted, F32)
    np.testing.assert_allclose(seen["numbers"], [[-1.5 / 3.5, 0]])
    np.testing.assert_array_equal(seen["categories"], [[1, -1]])


def test_a_stream_reads_each_input() -> None:
    """Two updates of two rows by one lane."""
    parts = TABLE.named(KINDS)
    assert parts is not None
    x = parts.view(STORED)
    rows = np.array([[2, 0, 1, 2]], np.int32)
    with batches(x, rows, first=0, steps=2, batch=2) as read:
        (block,) = read
    np.testing.assert_array_equal(block["categories"][1, 0], x["categories"][[1, 2]])
    np.testing.assert_array_equal(block["numbers"].shape, [2, 1, 2, 2])
    assert nbytes(x) == 3 * 2 * 4 * 2


def test_the_parts_are_stored_as_features() -> None:
    parts = TABLE.named(KINDS)
    assert parts is not None
    assert from_json(json.loads(json.dumps(to_json(parts)))) == parts


@pytest.mark.parametrize(
    ("source", "has", "fits"),
    [
        (in_memory.images(), r"images \[6, 6, 1\]", "cnn"),
        (in_memory.table(), "a table of 4 numbers", "linear"),
        (in_memory.text(), r"tokens \[6\]", "gpt"),
    ],
)
def test_what_does_not_fit_is_named(source: in_memory.InMemorySource, has: str, fits: str) -> None:
    takes = r"numbers \(tables of columns\) and categories \(columns of categories\)"
    with pytest.raises(ShapeError, match=f"arch=net takes {takes}; memory has {has}"):
        as_taken(source.spec, network(**KINDS))
    assert advice(source.spec, lambda entry: entry.name == fits) == f"use {fits}"


@pytest.mark.parametrize(
    ("table", "x", "parts"),
    [
        (TableColumns((2,)), np.eye(2, dtype=np.float32), {"numbers": np.eye(2)}),
        (
            TableColumns((2,), ("a=x", "a=y"), categories=(2,)),
            OneHot(np.array([[1], [np.nan]], np.float32), (2,)),
            {"categories": np.array([[1], [-1]])},
        ),
        (
            prepared(TableColumns((2,)), rows=2, curve="log"),
            np.eye(2, dtype=np.float32),
            {"numbers": np.eye(2)},
        ),
    ],
    ids=["numbers", "categories", "prepared"],
)
def test_a_table_with_one_kind_of_columns_has_one_part(table: Any, x: Any, parts: Any) -> None:
    taken = table.taken_as(("table_parts",))
    assert taken.arrays == tuple(parts)
    viewed = taken.view(x)
    jax.tree.map(np.testing.assert_array_equal, viewed, parts)
    assert taken.view(viewed) is viewed
    assert table.named(KINDS) is None


def test_other_names_and_kinds_are_told_apart() -> None:
    assert TABLE.named({"x": "table"}) is None
    assert TABLE.named({"x": "table", "y": "image"}) is None
    assert Image((2, 2, 1)).named(KINDS) is None
    assert in_memory.categories().spec.inputs.named(KINDS) is not None
