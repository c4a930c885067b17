"""Seeds: the same run from several seeds (a deep ensemble)."""

from research.registry import ENSEMBLES, Ensemble
from research.run_config import RunConfig
from research.sweeps.ensembles.member_seeds import Members, reseeded


def seeds(config: RunConfig, members: Members = 5) -> list[RunConfig]:
    """The same run from several seeds: other initial parameters, order and noise, the same rows.

    The first member is the run that the seed has without an ensemble.

    Args:
        config: of one run.
        members: how many.

    Example:
        >>> [run.seed == 3 for run in seeds(RunConfig(seed=3), members=3)]
        [True, False, False]

    Reference: Lakshminarayanan et al., Simple and scalable predictive uncertainty estimation using
        deep ensembles, NeurIPS 2017.
    """
    return [reseeded(config, number) for number in range(members)]


ENSEMBLES.add(
    Ensemble(
        "seeds",
        seeds,
        "the same run from several seeds, a deep ensemble",
        "Lakshminarayanan et al., 2017",
        test_options={"members": 2},
    )
)
