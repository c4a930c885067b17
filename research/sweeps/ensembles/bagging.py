"""Bagging, pasting and subspaces: members that see samples of the rows, or of the columns."""

import dataclasses
from typing import Annotated

from research.registry import ENSEMBLES, Ensemble
from research.run_config import RunConfig, Share
from research.sweeps.ensembles.member_seeds import Members, reseeded

ShareOfRows = Annotated[Share, "share of the training rows that each member trains on"]
ShareOfColumns = Annotated[Share, "share of the input's numbers that each member is shown"]


def bagging(config: RunConfig, members: Members = 10) -> list[RunConfig]:
    """Members that train on bootstrap samples of the training rows.

    Args:
        config: of one run.
        members: how many.

    Example:
        >>> [run.bootstrap for run in bagging(RunConfig(), members=3)]
        [True, True, True]
    """
    runs = [reseeded(config, number) for number in range(members)]
    return [dataclasses.replace(run, bootstrap=True) for run in runs]


def pasting(config: RunConfig, members: Members = 10, share: ShareOfRows = 0.6) -> list[RunConfig]:
    """Members that train on random parts of the training rows, without replacement.

    Args:
        config: of one run.
        members: how many.
        share: of the training rows.

    Example:
        >>> [run.row_share for run in pasting(RunConfig(), members=2, share=0.3)]
        [0.3, 0.3]
    """
    runs = [reseeded(config, number) for number in range(members)]
    return [dataclasses.replace(run, row_share=share) for run in runs]


def subspaces(
    config: RunConfig, members: Members = 10, share: ShareOfColumns = 0.5
) -> list[RunConfig]:
    """Members that are shown random parts of the input: columns, or pixels.

    Args:
        config: of one run.
        members: how many.
        share: of the input's numbers.

    Example:
        >>> [run.column_share for run in subspaces(RunConfig(), members=2, share=0.3)]
        [0.3, 0.3]
    """
    runs = [reseeded(config, number) for number in range(members)]
    return [dataclasses.replace(run, column_share=share) for run in runs]


ENSEMBLES.add(
    Ensemble(
        "bagging",
        bagging,
        "the same network on bootstrap samples of the training rows",
        "Breiman, Bagging predictors, Machine Learning 1996",
        test_options={"members": 2},
    )
)
ENSEMBLES.add(
    Ensemble(
        "pasting",
        pasting,
        "the same network on random parts of the training rows",
        "Breiman, Pasting small votes for classification, Machine Learning 1999",
        test_options={"members": 2},
    )
)
ENSEMBLES.add(
    Ensemble(
        "subspaces",
        subspaces,
        "the same network on random parts of the input: columns, or pixels",
        "Ho, The random subspace method for constructing decision forests, 1998",
        test_options={"members": 2},
    )
)
