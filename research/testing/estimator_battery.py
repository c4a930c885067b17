"""The battery of host estimators: what each must pass, a user's own too."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from research.data.features.named_arrays import take
from research.sweeps.plan.run_plan import PlannedRun
from research.training.engine import host_fit
from research.training.engine.outcomes import Outcome
from research.training.engine.pack_observer import NOBODY


def _outcome(run: PlannedRun, arrays: Any) -> Outcome:
    """The run's outcome."""
    (outcome,) = host_fit.fit(run.program, [run.config], arrays, NOBODY)
    return outcome


def scores(run: PlannedRun, arrays: Any) -> None:
    """Scores are [M, K], a row per example, and finite."""
    outcome = _outcome(run, arrays)
    assert outcome.diverged_at is None, outcome.cause
    assert outcome.metrics


def repeats(run: PlannedRun, arrays: Any) -> None:
    """The same run ends with the same bits."""
    first = repr(_outcome(run, arrays))
    assert repr(_outcome(run, arrays)) == first, "the same seed and rows give other scores"


def independence(run: PlannedRun, arrays: Any) -> None:
    """A prediction does not depend on the other examples that are predicted with it."""
    with run.program.precision_context():
        predict, x = host_fit.predictor(run.program, run.config, arrays)
    together, alone = (
        np.asarray(predict(take(x, slice(3)))),
        np.asarray(predict(take(x, slice(1, 2)))),
    )
    np.testing.assert_allclose(
        together[1:2], alone, rtol=1e-5, err_msg="a prediction depends on the others with it"
    )


def inputs_unchanged(run: PlannedRun, arrays: Any) -> None:
    """Fitting changes nothing of the data, which other runs read."""
    before = jax.tree.map(np.array, tuple(arrays[:2]))
    _outcome(run, arrays)
    after = jax.tree.map(np.array, tuple(arrays[:2]))
    same = jax.tree.map(
        lambda a, b: np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), before, after
    )
    assert all(jax.tree.leaves(same)), "fitting changes the data in place"


ESTIMATOR_CHECKS: Mapping[str, Callable[[PlannedRun, Any], None]] = {
    "scores": scores,
    "repeats": repeats,
    "examples are independent in prediction": independence,
    "the data stay as they are": inputs_unchanged,
}
