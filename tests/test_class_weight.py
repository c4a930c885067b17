"""Class weights as texts and as numbers."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from research.class_weight import BALANCED, ClassWeight
from research.errors import UserError


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("balanced", "balanced"),
        ("{cat: 2, dog: 1}", "{cat: 2, dog: 1}"),
        ("dog:1 ,cat:2.50,", "{cat: 2.5, dog: 1}"),
        ("{'a, b': 0, \"c: d\": 1e-3}", '{"a, b": 0, "c: d": 0.001}'),
        ("{big cat: 1e20, it-s: 1}", "{big cat: 1e+20, it-s: 1}"),
        ("{0: 2, 1.5: 3}", "{0: 2, 1.5: 3}"),
    ],
)
def test_a_text_and_its_canonical_form(text: str, canonical: str) -> None:
    weight = ClassWeight.parse(text)
    assert str(weight) == canonical
    assert ClassWeight.parse(canonical) == weight


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("even", "'even' is neither balanced nor a weight per class; write '{cat: 2, dog: 1}'"),
        ("", "neither balanced"),
        ("{}", "neither balanced"),
        ("{cat: 2; dog: 1}", "neither balanced"),
        ("{cat: 2 dog: 1}", "neither balanced"),
        ("{cat: -1}", "class 'cat' weighs '-1'; expected a number of at least 0"),
        ("{cat: nan}", "class 'cat' weighs 'nan'"),
        ("{cat: inf}", "class 'cat' weighs 'inf'"),
        ("{cat: x}", "class 'cat' weighs 'x'"),
        ("{cat: 1, cat: 2}", "class 'cat' has two weights"),
    ],
)
def test_what_is_no_weight(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says.replace("{", r"\{")):
        ClassWeight.parse(text)


def test_balanced_weights_are_scikit_learns() -> None:
    """n / (K n_k) is scikit-learn's, within float64 rounding."""
    y = np.repeat([0, 1, 3], [5, 1, 9])
    counts = np.bincount(y, minlength=4)
    weights = BALANCED.of_classes("abcd", counts)
    present = compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=y)
    np.testing.assert_allclose(weights[[0, 1, 3]], present, rtol=1e-15)
    assert weights[2] == 1  # no row has it


def test_names_are_looked_up_among_the_classes() -> None:
    with pytest.raises(UserError, match=r"there is no class 'cta'; did you mean cat\?"):
        ClassWeight.parse("{cta: 2}").check(("cat", "dog"))
    with pytest.raises(UserError, match="every class weighs 0"):
        ClassWeight.parse("{cat: 0, dog: 0}").check(("cat", "dog"))
    ClassWeight.parse("{cat: 0}").check(("cat", "dog"))
