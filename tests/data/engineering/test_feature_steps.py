"""Feature steps: equal to scikit-learn's and numpy's, and fitted to training rows alone."""

import warnings

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import skew
from sklearn.preprocessing import KBinsDiscretizer, PolynomialFeatures

import research.catalogue  # noqa: F401
from research.data.engineering.feature_step import steps_of
from research.data.features.engineered_table import engineered
from research.data.features.table_columns import TableColumns
from research.data.one_hot import OneHot
from research.errors import UserError

NUMBERS = TableColumns((3,), ("a", "b", "c"))
SHOPS = TableColumns((5,), ("amount", "price", "shop=x", "shop=y", "shop=z"), categories=(0, 0, 3))


def made(table: TableColumns, text: str, x: np.ndarray, train: np.ndarray) -> np.ndarray:
    """The unscaled columns that steps make."""
    of = engineered(table, text)
    rows = OneHot(x, table.categories) if table.categories else x
    fitted = of.fit(rows, train, "none", np.dtype(np.float32))
    columns = of.normalize(jnp.asarray(rows[:]), fitted, np.dtype(np.float32))
    return np.asarray(columns)[:, table.shape[0] :]


@pytest.mark.parametrize(
    ("text", "repeated"), [("polynomial(3)", True), ("interactions(3)", False)]
)
def test_products_are_the_librarys(text: str, repeated: bool) -> None:
    x = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    library = PolynomialFeatures(3, interaction_only=not repeated, include_bias=False).fit(x)
    np.testing.assert_allclose(
        made(NUMBERS, text, x, np.arange(8)), library.transform(x)[:, 3:], rtol=1e-5
    )
    names = engineered(NUMBERS, text).names
    assert list(names) == library.get_feature_names_out(list("abc")).tolist()


@pytest.mark.parametrize("column", ["a", "b"])
def test_bins_are_the_librarys(column: str) -> None:
    """Of a column in which most numbers are equal, the edges of equal bins are one."""
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    x[:25, 1] = 0
    train = np.arange(30)
    of = x[:, ["abc".index(column)]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        library = KBinsDiscretizer(4, encode="ordinal", subsample=None).fit(of[train])
    columns = made(NUMBERS, f"bins({column}, 4)", x, train)
    assert (columns.sum(axis=1) == 1).all()
    np.testing.assert_array_equal(columns.argmax(axis=1), library.transform(of)[:, 0])


def test_a_ratio_by_zero_is_zero() -> None:
    x = np.array([[1.0, 4.0, 0.0], [3.0, 0.0, 0.0]], np.float32)
    assert made(NUMBERS, "ratio(a, b)", x, np.arange(2)).tolist() == [[0.25], [0.0]]


def test_aggregates_are_those_of_the_training_rows_of_a_group() -> None:
    generator = np.random.default_rng(0)
    amount = generator.normal(size=12).astype(np.float32).round(1)
    shop = np.array([0, 0, 0, 0, 1, 1, 1, 0, 1, 2, 2, np.nan])
    x = np.stack([amount, np.ones(12), shop], axis=1).astype(np.float32)
    train = np.arange(7)  # no row of shop z
    text = "aggregate(by=shop, of=amount, with=mean|std|min|max|sum|count|skew|nunique)"
    columns = made(SHOPS, text, x, train)
    groups = [amount[:4].astype(float), amount[4:7].astype(float)]
    of_group = [
        [
            g.mean(), g.std(), g.min(), g.max(), g.sum(), len(g), skew(g), len(np.unique(g))
        ]
        for g in groups
    ]  # fmt: skip
    np.testing.assert_allclose(columns[[0, 7]], [of_group[0]] * 2, rtol=1e-5)
    np.testing.assert_allclose(columns[[4, 8]], [of_group[1]] * 2, rtol=1e-5)
    every = amount[:7].astype(float)
    sizes = np.mean(of_group, axis=0)
    unseen = [
        every.mean(), every.std(), every.min(), every.max(), sizes[4], sizes[5], skew(every), sizes[7]
    ]  # fmt: skip
    np.testing.assert_allclose(columns[9:], [unseen] * 3, rtol=1e-5)


def test_columns_stand_behind_those_of_the_table() -> None:
    of = engineered(SHOPS, "bins(price, 2), ratio(amount, price)")
    assert of.columns_by_name == {
        "amount": (0,),
        "price": (1,),
        "shop": (2, 3, 4),
        "bins(price, 2)": (5, 6),
        "amount / price": (7,),
    }


@pytest.mark.parametrize(
    ("text", "says"),
    {
        "ratio(amuont, price)": "no column 'amuont'; did you mean amount",
        "ratio(shop, price)": "reads numbers, and column 'shop' has categories",
        "aggregate(by=price, of=amount)": "column 'price' has numbers; write --categories=price",
        "aggregate(by=shop, of=amount, with=median)": "aggregate has no 'median'",
        "aggregate(of=amount)": "aggregate needs a value for by",
        "bins(price, 1)": "features.count=1 is out of range",
        "log(price)": "unknown feature step 'log(price)'; known: aggregate, bins",
        "ratio(amount, price), ratio(amount, price)": "makes 'amount / price' twice",
        "ratio(amount, price),": "has an empty item",
        "interactions(3)": "",
        "__import__('os').system('true')": "unknown feature step",
    }.items(),
)
def test_what_is_wrong_is_said(text: str, says: str) -> None:
    if not says:
        assert len(engineered(SHOPS, text).names) == 6
        return
    with pytest.raises(UserError) as caught:
        engineered(SHOPS, text)
    assert says in str(caught.value)


def test_too_many_products_are_refused() -> None:
    wide = TableColumns((100,), tuple(f"x{place}" for place in range(100)))
    with pytest.raises(UserError, match="makes more than 2,000 columns; use a lower degree"):
        engineered(wide, "polynomial(3)")
    assert steps_of("interactions(2)") == steps_of("interactions(2)")
