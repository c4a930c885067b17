"""DeepOBS's quadratic: its Hessian, and the first test loss that its authors print."""

import jax.numpy as jnp
import numpy as np
import pytest

import research.catalogue  # noqa: F401  (fills the registries)
from research.data import in_memory
from research.data.noisy_quadratic import TEST, hessian, quadratic
from research.errors import UserError
from research.tasks import quadratic_distance as loss
from research.testing.subjects import Subject


def test_its_hessian_has_the_spectrum() -> None:
    """Symmetric within float64 rounding, with 90 eigenvalues in (0, 1) and 10 in (30, 60)."""
    eigenvalues = np.linalg.eigvalsh(hessian())
    np.testing.assert_allclose(hessian(), hessian().T, atol=1e-12)
    assert ((eigenvalues > 0) & (eigenvalues < 1)).sum() == 90
    assert ((eigenvalues > 30) & (eigenvalues < 60)).sum() == 10


def test_the_first_test_loss_is_the_published_one() -> None:
    """DeepOBS's loss at the starting point, to the four decimals that are printed there."""
    points = quadratic().x[-TEST:]
    found = loss.quadratic(jnp.ones_like(points), jnp.asarray(points)).mean()
    assert float(found) == pytest.approx(353.4468, abs=5e-4)


def test_other_data_are_refused() -> None:
    settings = {"task": "reconstruction", "arch": "point", "loss": "quadratic", "scaling": "none"}
    with pytest.raises(UserError, match=r"loss=quadratic is of 100 numbers"):
        Subject(settings, in_memory.table()).run()
