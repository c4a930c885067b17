"""Factorizations: inputs through a short code of linear parts, and back."""

import dataclasses
from typing import Annotated, Any

import numpy as np

from research.baselines.estimator import LabelledExamples, Predict
from research.baselines.scikit_learn import fit_estimator, flat
from research.data.reductions import principal_components
from research.data.splitters.drawn_rows import training_rows
from research.errors import UserError
from research.options import Count
from research.registry import ARCHITECTURES, HostEstimator

CODE_TOLERANCE = 1e-9
Code = Annotated[Count, "width of the code"]


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """A fitted factorization as a function [M, ...] -> its reconstructions [M, D].

    model: scikit-learn's. notes: what it warned of. floor: the least number that it reads.
    """

    model: Any
    notes: tuple[str, ...] = ()
    floor: float = -np.inf

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The inputs as the code has them."""
        return np.asarray(self.model.inverse_transform(self.code(x)))

    def code(self, x: np.ndarray) -> np.ndarray:
        """The code of inputs [M, ...], [M, code]."""
        return np.asarray(self.model.transform(np.maximum(flat(x), self.floor)))


@dataclasses.dataclass(frozen=True)
class PrincipalComponents:
    """The directions of the largest variance, by a singular value decomposition: of all linear
    codes of its width the one with the least squared error.

    Example:
        >>> x = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]])  # on a line
        >>> train = LabelledExamples(x, np.zeros(3))
        >>> abs(PrincipalComponents(outputs=2, code=1)(train, train, seed=0)(x).round(6)).tolist()
        [[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]
    """

    outputs: int
    code: Code = 32

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Nothing is random."""
        return Reconstruction(principal_components(flat(train.x), self.code))


@dataclasses.dataclass(frozen=True)
class NonNegativeFactors:
    """Inputs that are not negative as sums of parts that are not negative either.

    Numbers of new rows below 0 are read as 0.

    Example:
        >>> x = np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])
        >>> train = LabelledExamples(x, np.zeros(3))
        >>> NonNegativeFactors(outputs=2, code=1)(train, train, seed=0)(x).round(2).tolist()
        [[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]
    """

    outputs: int
    code: Code = 32
    max_iter: Annotated[Count, "largest number of iterations"] = 1000

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor.

        Raises:
            UserError: a training row has a negative number.
        """
        from sklearn.decomposition import NMF

        least = train.x.min()
        if least < 0:
            raise UserError(
                f"arch=nmf requires numbers that are not negative, and the least is {least:.4g};"
                " use --scaling=minmax"
            )
        estimator = NMF(self.code, max_iter=self.max_iter, random_state=seed)
        model, notes = fit_estimator(estimator, train)
        # New rows are solved for together: to this accuracy no row depends on the others.
        return Reconstruction(model.set_params(tol=CODE_TOLERANCE), notes, floor=0.0)


def _short_enough(config: Any, spec: Any) -> str | None:
    """The code is no wider than an example, and there are as many training rows."""
    code = config.arch["code"]
    numbers = int(np.prod(spec.inputs.shape))
    if code > numbers:
        return f"arch.code={code} is more than the {numbers} numbers of an example; use fewer"
    rows = training_rows(config, spec)
    if code > rows:
        return f"arch.code={code} is more than the {rows} training rows; use fewer"
    return None


def _not_negative(config: Any, spec: Any) -> str | None:
    """Its inputs are not negative, as `scaling=minmax` makes them."""
    if config.scaling in ("minmax", "none"):
        return None
    return (
        f"arch={config.arch.name} requires numbers that are not negative, and"
        f" scaling={config.scaling} makes some negative; use --scaling=minmax"
    )


ARCHITECTURES.add(
    HostEstimator(
        "pca",
        PrincipalComponents,
        "principal components: the best linear code",
        "Pearson 1901; Hotelling 1933",
        tasks=("reconstruction",),
        constraints=(_short_enough,),
        test_options={"code": 3},
    )
)
ARCHITECTURES.add(
    HostEstimator(
        "nmf",
        NonNegativeFactors,
        "sums of parts that are not negative",
        "Lee & Seung 1999, Learning the parts of objects by non-negative matrix factorization",
        tasks=("reconstruction",),
        constraints=(_short_enough, _not_negative),
        test_options={"code": 3},
        test_settings={"scaling": "minmax"},
    )
)
