"""What a fitted model says of its features itself: coefficients, gains of splits, or the
weights of a linear network."""

from typing import Any

import jax
import numpy as np

from research.analysis.importance.kept_run import KeptRun
from research.data.features.table_columns import TableColumns
from research.errors import UserError
from research.kernels import kernel_leaves
from research.training.apply.host_scores import categorical_columns, seen_columns
from research.training.step import network

GAIN = "share of what its splits gain"
WEIGHT = "|weight| after scaling"


def fitted_importance(run: KeptRun) -> tuple[dict[str, float], str]:
    """(the importance of each feature by its name; what the numbers are).

    The gains of a category's one-hot columns are added. Of weights the largest of its
    columns and the mean over the outputs is taken.

    Args:
        run: the run.

    Raises:
        UserError: the model has no such numbers.
    """
    name = run.run.config.arch.name
    if run.members:
        raise UserError(
            f"{run.record.run_id} is an ensemble, which has no weights; use"
            " --method=permutation or shapley"
        )
    if run.raw is not run.spec.inputs:
        raise UserError(
            f"arch={name} reads the components of reduce={run.run.config.reduce.call}, which mix"
            " all columns; use --method=permutation or shapley"
        )
    model = getattr(run.predictor, "model", run.predictor) if run.program.fitted else None
    gains = _gains(model)
    if gains is not None:
        shares = _of_all(gains / max(gains.sum(), np.finfo(float).tiny), run)
        if categorical_columns(run.program, run.lane):
            # Such a model splits by whole categories.
            names = run.spec.inputs.columns_by_name
            return dict(zip(names, shares.tolist(), strict=True)), GAIN
        return _of_features(shares, run, np.sum), GAIN
    weights = _coefficients(model) if run.program.fitted else _kernel(run)
    if weights is None:
        raise UserError(
            f"arch={name} has neither one weight for each column nor splits"
            " whose gains it keeps; use --method=permutation or shapley"
        )
    return _of_features(_of_all(np.abs(weights).mean(axis=0), run), run, np.max), WEIGHT


def _of_all(numbers: np.ndarray, run: KeptRun) -> np.ndarray:
    """The numbers of the columns that an estimator gets as those of all, [D]: 0 of the others."""
    seen = seen_columns(run.program, run.lane)
    if categorical_columns(run.program, run.lane):
        seen = seen[run.spec.inputs.as_a(TableColumns).starts]
    if seen.all():
        return numbers
    of_all = np.zeros(len(seen))
    of_all[seen] = numbers
    return of_all


def _gains(model: Any) -> np.ndarray | None:
    """What the splits on each column gain, [D], of trees that keep it."""
    if hasattr(model, "booster_"):  # LightGBM counts the splits otherwise
        return np.asarray(model.booster_.feature_importance("gain"), np.float64)
    if hasattr(model, "get_feature_importance"):  # CatBoost: how its predictions change
        return np.asarray(model.get_feature_importance(), np.float64)
    if hasattr(model, "get_score"):  # XGBoost leaves out columns without a split
        named = model.get_score(importance_type="total_gain")
        return np.array([named.get(f"f{place}", 0.0) for place in range(model.num_features())])
    gains = getattr(model, "feature_importances_", None)
    return None if gains is None else np.asarray(gains, np.float64)


def _coefficients(model: Any) -> np.ndarray | None:
    """The coefficients [K, D] of a linear estimator."""
    # A support vector machine with another kernel raises AttributeError.
    coefficients = getattr(model, "coef_", None)
    return None if coefficients is None else np.atleast_2d(np.asarray(coefficients, np.float64))


def _kernel(run: KeptRun) -> np.ndarray | None:
    """The kernel of a network that is one linear map, [K, D]."""
    with run.program.precision_context():
        params = network.joined_kernels(run.program, run.lane, run.variables.params)
    kernels = kernel_leaves(params)
    inputs = run.spec.inputs
    if len(kernels) != 1 or inputs.arrays or kernels[0].shape[0] != int(np.prod(inputs.shape)):
        return None
    kernel = np.asarray(jax.device_get(kernels[0]), np.float64)
    return kernel.T if kernel.ndim == 2 else None


def _of_features(columns: np.ndarray, run: KeptRun, together: Any) -> dict[str, float]:
    """The numbers of columns [D] as those of features."""
    places = run.spec.inputs.columns_by_name
    return {name: float(together(columns[[*of_name]])) for name, of_name in places.items()}
