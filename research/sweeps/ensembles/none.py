"""None: one run by itself, which is no ensemble."""

from research.registry import ENSEMBLES, Ensemble
from research.run_config import RunConfig


def none(config: RunConfig) -> list[RunConfig]:
    """One run by itself.

    Example:
        >>> [run.seed for run in none(RunConfig(seed=3))]
        [3]
    """
    return [config]


ENSEMBLES.add(Ensemble("none", none, "one run by itself, no ensemble"))
