"""Pruners: after which epochs a trial is compared with the others, and whether it goes on."""

from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    SuccessiveHalvingPruner,
)

PRUNERS = ("asha", "median", "hyperband")

# Of the trials at a rung one in so many goes on to the next, which lies so many times as many
# epochs later.
REDUCTION = 3
# The first rung is at an epoch at least, and at least at this part of a run.
FIRST = 27
# The median compares at so many epochs of a run.
MEDIANS = 10


def rungs(name: str, epochs: int) -> frozenset[int]:
    """The epochs after which trials are compared; a run's last is none of them."""
    if name == "median":
        return frozenset(range(_every(epochs), epochs, _every(epochs)))
    compared = set()
    rung = _first(epochs)
    while rung < epochs:
        compared.add(rung)
        rung *= REDUCTION
    return frozenset(compared)


def pruner(name: str | None, epochs: int) -> BasePruner:
    """Optuna's pruner of that name for runs of so many epochs; none prunes nothing.

    asha: Li et al. 2020, A system for massively parallel hyperparameter tuning. median: Golovin et
        al. 2017, Google Vizier. hyperband: Li et al. 2018, Hyperband.
    """
    if name == "asha":
        return SuccessiveHalvingPruner(min_resource=_first(epochs), reduction_factor=REDUCTION)
    if name == "hyperband":
        return HyperbandPruner(
            min_resource=_first(epochs), max_resource=epochs, reduction_factor=REDUCTION
        )
    return MedianPruner() if name == "median" else NopPruner()


def _first(epochs: int) -> int:
    return max(1, epochs // FIRST)


def _every(epochs: int) -> int:
    return max(1, epochs // MEDIANS)
