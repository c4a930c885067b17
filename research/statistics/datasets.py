"""Methods compared over several data sets. Scores are [datasets, methods] or, with runs,
[runs, datasets]; higher is better."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from research.statistics.floats import Floats
from research.statistics.intervals import ALPHA


@dataclasses.dataclass(frozen=True)
class Ranking:
    """ranks: average ranks [methods], 1 is best. statistic and p: of Friedman's test.
    critical_difference: Nemenyi's, by which two average ranks must differ."""

    ranks: Floats
    statistic: float
    p: float
    critical_difference: float


def ranking(scores: ArrayLike) -> Ranking:
    """Average ranks with Friedman's test and Nemenyi's critical difference.

    Reference: Demšar, JMLR 2006.
    """
    from scipy import stats

    x = np.asarray(scores, np.float64)
    datasets, methods = x.shape
    ranks = stats.rankdata(-x, axis=1)
    average = ranks.mean(0)
    # Ties shrink the variance of the ranks, so it is taken from the ranks themselves.
    variance = ((ranks - (methods + 1) / 2) ** 2).sum() / (methods - 1)
    spread = datasets**2 * ((average - (methods + 1) / 2) ** 2).sum()
    statistic = spread / variance if variance else 0.0
    quantile = stats.studentized_range.ppf(1 - ALPHA, methods, np.inf) / np.sqrt(2)
    return Ranking(
        average,
        float(statistic),
        float(special.chdtrc(methods - 1, statistic)),
        float(quantile * np.sqrt(methods * (methods + 1) / (6 * datasets))),
    )


def bayesian_signed_rank(
    differences: ArrayLike, region: float, samples: int = 20_000, prior: float = 0.5
) -> tuple[float, float, float]:
    """(worse, equivalent, better): the posterior probabilities of a typical data set's difference.

    Args:
        differences: [datasets], ours minus theirs.
        region: differences within ± region are equivalent.
        samples: draws of the Dirichlet process, with a fixed seed.
        prior: the weight of a prior observation of zero.

    Reference: Benavoli et al., JMLR 2017.
    """
    d = np.concatenate([[0.0], np.asarray(differences, np.float64)])
    sums = d[:, None] + d
    alpha = np.concatenate([[prior], np.ones(d.size - 1)])
    # A fixed seed: the same table has the same probabilities each time.
    weights = np.random.default_rng(0).dirichlet(alpha, samples)
    better = ((weights @ (sums > 2 * region)) * weights).sum(-1)
    worse = ((weights @ (sums < -2 * region)) * weights).sum(-1)
    winner = np.argmax([worse, 1 - worse - better, better], axis=0)
    shares = np.bincount(winner, minlength=3) / samples
    return float(shares[0]), float(shares[1]), float(shares[2])


def interquartile_mean(scores: ArrayLike) -> Floats:
    """The mean of the middle half of scores [..., runs, datasets]: a quarter is cut at each end."""
    x = np.asarray(scores, np.float64)
    flat = np.sort(x.reshape(*x.shape[:-2], -1), axis=-1)
    cut = flat.shape[-1] // 4
    return np.asarray(flat[..., cut : flat.shape[-1] - cut].mean(-1))


def interquartile_interval(scores: ArrayLike, resamples: int = 2000) -> tuple[float, float]:
    """The 95 % interval of the interquartile mean of scores [runs, datasets]: percentiles of a
    bootstrap that draws the runs of each data set apart, with a fixed seed.

    Reference: Agarwal et al., NeurIPS 2021.
    """
    x = np.asarray(scores, np.float64)
    runs, datasets = x.shape
    # Stratified: the runs of each data set are drawn by themselves.
    chosen = np.random.default_rng(0).integers(0, runs, (resamples, runs, datasets))
    drawn = np.take_along_axis(x[None], chosen, 1)
    low, high = np.quantile(interquartile_mean(drawn), [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)


def probability_of_improvement(ours: ArrayLike, theirs: ArrayLike) -> float:
    """How often a run of ours is better than one of theirs, averaged over data sets, ties half.

    ours, theirs: [runs, datasets]. Reference: Agarwal et al., NeurIPS 2021.
    """
    a = np.asarray(ours, np.float64)[:, None, :]
    b = np.asarray(theirs, np.float64)[None, :, :]
    return float(((a > b) + 0.5 * (a == b)).mean())


def improvement_interval(
    ours: ArrayLike, theirs: ArrayLike, resamples: int = 2000
) -> tuple[float, float]:
    """The 95 % interval of the probability of improvement: percentiles of a bootstrap that draws
    the runs of each data set apart, with a fixed seed.

    Args:
        ours: [runs, datasets].
        theirs: [runs, datasets].
        resamples: how many are drawn.

    Reference: Agarwal et al., NeurIPS 2021.
    """
    a = np.asarray(ours, np.float64)
    b = np.asarray(theirs, np.float64)
    random = np.random.default_rng(0)
    shares = np.zeros(resamples)
    for dataset in range(a.shape[1]):
        won = (a[:, None, dataset] > b[None, :, dataset]) + 0.5 * (
            a[:, None, dataset] == b[None, :, dataset]
        )
        first = random.integers(0, len(a), (resamples, len(a)))
        second = random.integers(0, len(b), (resamples, len(b)))
        shares += won[first[:, :, None], second[:, None, :]].mean((1, 2)) / a.shape[1]
    low, high = np.quantile(shares, [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)


def performance_profile(scores: ArrayLike, thresholds: ArrayLike) -> Floats:
    """The share [thresholds] of scores [runs, datasets] above each threshold."""
    x = np.asarray(scores, np.float64).reshape(-1)
    return np.asarray((x[None, :] > np.asarray(thresholds, np.float64)[:, None]).mean(-1))
