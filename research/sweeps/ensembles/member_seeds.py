"""Member seeds: the seed of each member of an ensemble."""

import dataclasses
from typing import Annotated

from research import rng
from research.options import Range
from research.run_config import RunConfig

Members = Annotated[int, Range(2), "how many members"]


def member_seed(seed: int, number: int) -> int:
    """The seed of a member: that of the ensemble for the first, so that it is the run of that seed
    alone, and a draw of its own for each other.

    Args:
        seed: of the ensemble.
        number: of the member, from 0.

    Example:
        >>> member_seed(3, 0), member_seed(3, 1) == member_seed(4, 1)
        (3, False)
    """
    # Seeds 0, 1, 2, ... would give ensembles of neighbouring seeds members in common, and the
    # interval over seeds would be too narrow.
    return seed if number == 0 else int(rng.host(seed, f"member {number}").integers(2**32))


def reseeded(config: RunConfig, number: int) -> RunConfig:
    """The config with a member's seed; its split stays.

    Args:
        config: of the ensemble's runs.
        number: of the member, from 0.
    """
    member = dataclasses.replace(config, seed=member_seed(config.seed, number))
    if config.label_noise and config.noise_seed is None:
        # Members have the labels of one data set; noise of their own would average out.
        return dataclasses.replace(member, noise_seed=config.seed)
    return member
