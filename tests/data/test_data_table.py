"""A table whose parts do not belong together is refused when it is made, whoever makes it."""

from typing import Any

import numpy as np
import pytest

from research.data.data_table import Table
from research.errors import UserError

X = np.arange(8, dtype=np.float32).reshape(4, 2)
Y = np.array([0, 1, 0, 1], np.int32)
SOUND: dict[str, Any] = {
    "x": X,
    "y": Y,
    "classes": ("a", "b"),
    "features": ("u", "v"),
    "test_size": 1,
}
TOKENS: dict[str, Any] = {
    "x": Y[:, None] + np.arange(-1, 1, dtype=np.int32),
    "vocabulary": ("a", "b"),
    "features": (),
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": X.tolist()}, "x is a list; expected a numpy array"),
        ({"y": Y.tolist()}, "y is a list; expected a numpy array"),
        ({"x": np.where(X == 4, np.inf, X)}, "x is infinite in row 2"),
        ({"x": X[:, :0], "features": ()}, r"x has the shape \[4, 0\]"),
        ({"x": X.astype(object)}, "x is object; expected float32, uint8 or int32"),
        ({"x": X[:, 0]}, r"x has the shape \[4\]; expected a row for each example, \[N, D\]"),
        ({"x": X[:3]}, "x has 3 rows, and its y 4"),
        ({"y": Y[:3]}, "x has 4 rows, and its y 3"),
        ({"test_size": 4}, "test_size=4 leaves none of its 4 rows to train on"),
        ({"test_size": -1}, "test_size=-1 leaves none"),
        ({"features": ("u",)}, "features are 1 names, and its x has 2 columns"),
        ({"y": Y + 1}, "y has a 2; expected 0 to 1, for its 2 classes"),
        ({"y": Y - 1}, "y has a -1; expected 0 to 1, for its 2 classes"),
        (
            {"y": Y / 2},
            "y is float64, and it has classes; expected int32, the place of each among them",
        ),
        (
            {"y": np.array(["a", "b", "a", "b"]), "classes": ()},
            "y is <U1; expected float32, or int32 with classes",
        ),
        ({"y": np.where(Y > 0, np.nan, 0.0), "classes": ()}, "y has no value in row 1"),
        ({"y": 2 * np.eye(2)[Y]}, "shares of classes in row 0 are 2, 0; they must be 0 or more"),
        ({"y": np.full((4, 2), np.nan)}, "shares of classes in row 0 are nan, nan"),
        ({"y": np.stack([Y, Y - 1], 1)}, r"y is \[4, 2\], a class at each place; say its task"),
        ({**TOKENS, "x": TOKENS["x"] + 1}, "x has a 2; expected -1 to 1, for its 2 symbols"),
        ({**TOKENS, "x": X}, "x is float32, and it has symbols; expected int32"),
    ],
)
def test_what_does_not_belong_together_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^a table's {message}"):
        Table(**{**SOUND, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"y": Y.astype(np.int64)},
        {"y": Y.astype(np.float32), "classes": ()},
        {"y": np.stack([Y, Y - 1], 1), "task": "step_classification"},
        {"y": np.where(Y[:, None] > 0, np.nan, X), "classes": ()},
        {"x": np.where(X > 5, np.nan, X)},
        TOKENS,
    ],
    ids=[
        "classes",
        "int64",
        "values",
        "padded classes",
        "padded values",
        "to be imputed",
        "padded tokens",
    ],
)
def test_what_belongs_together_is_taken(changes: dict[str, Any]) -> None:
    Table(**{**SOUND, **changes})
