"""Filters: features chosen by numbers of their own, without a model."""

import warnings
from typing import Annotated

import numpy as np

from research.data.selection.candidates import Candidates, Choose, Kept, best
from research.options import Fraction, NonNegative, options_of
from research.registry import SELECTIONS, Entry


def variance(
    above: Annotated[NonNegative, "the variance, before scaling, that a feature exceeds"] = 0.0,
) -> Choose:
    """Features whose variance over the training rows exceeds a number, in the units of the data.

    A category stays if one of its one-hot columns does.

    Example:
        >>> from research.data.selection.candidates import sample
        >>> variance()(sample()).tolist()
        [True, True, True, False]
    """

    def choose(candidates: Candidates) -> np.ndarray:
        varies = np.var(candidates.raw, axis=0)
        # The variance of one number repeated may round to more than 0; its range does not.
        spread = np.minimum(varies, np.ptp(candidates.raw, axis=0)) if above == 0 else varies
        return candidates.of_features(spread, np.max) > above

    return choose


def correlation(
    below: Annotated[Fraction, "the |correlation| that no two features exceed"] = 0.95,
) -> Choose:
    """Features, no two correlated by more than a number; the earlier column stays.

    Of categories the largest correlation between their one-hot columns counts.

    Example:
        >>> from research.data.selection.candidates import sample
        >>> correlation(0.9)(sample()).tolist()
        [True, False, True, True]
    """

    def choose(candidates: Candidates) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):  # a constant column has none
            between = np.abs(np.nan_to_num(np.corrcoef(candidates.x, rowvar=False)))
        between = np.atleast_2d(between)
        places = candidates.places
        stays: list[int] = []
        for feature, columns in enumerate(places):
            earlier = [place for other in stays for place in places[other]]
            if not earlier or between[np.ix_(columns, earlier)].max() <= below:
                stays.append(feature)
        return np.isin(np.arange(len(places)), stays)

    return choose


def anova(count: Kept) -> Choose:
    """The features with the largest F of an analysis of variance between the classes, or of a
    regression on the targets (f_classif, f_regression); of a category that of its best column.

    Example:
        >>> from research.data.selection.candidates import sample
        >>> anova(1)(sample()).tolist()
        [True, False, False, False]
    """

    def choose(candidates: Candidates) -> np.ndarray:
        from sklearn.feature_selection import f_classif, f_regression

        score = f_classif if candidates.classes else f_regression
        with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
            warnings.simplefilter("ignore", UserWarning)  # of a constant column, whose F is NaN
            f, _ = score(candidates.x, candidates.y)
        return best(candidates.of_features(np.asarray(f), np.max), count)

    return choose


def mutual_information(count: Kept) -> Choose:
    """The features that say most of the target (mutual_info_classif, mutual_info_regression); a
    category is one discrete variable.

    Example:
        >>> from research.data.selection.candidates import sample
        >>> mutual_information(2)(sample()).tolist()
        [True, True, False, False]
    """

    def choose(candidates: Candidates) -> np.ndarray:
        from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

        score = mutual_info_classif if candidates.classes else mutual_info_regression
        says = score(
            candidates.codes,
            candidates.y,
            discrete_features=candidates.coded,
            random_state=candidates.seed,
        )
        return best(says, count)

    return choose


def none() -> None:
    """All features stay.

    Example:
        >>> none() is None
        True
    """


SELECTIONS.add(Entry("none", none, "all features"))
SELECTIONS.add(
    Entry(
        "variance",
        variance,
        "features that vary over the training rows",
        options=options_of(variance),
    )
)
SELECTIONS.add(
    Entry(
        "correlation",
        correlation,
        "features that are not correlated with an earlier one",
        options=options_of(correlation),
    )
)
SELECTIONS.add(
    Entry(
        "anova",
        anova,
        "features with the largest F between the classes, or of a regression",
        options=options_of(anova),
        test_options={"count": 3},
    )
)
SELECTIONS.add(
    Entry(
        "mutual_information",
        mutual_information,
        "features with the most mutual information with the target",
        "Kraskov et al. 2004; Ross 2014",
        options=options_of(mutual_information),
        test_options={"count": 3},
    )
)
