"""Masks: whether a run must tell real steps and targets from missing ones, which is part of its
data's identity."""

from research.config import RunConfig
from research.data.spec import DataSpec
from research.registry import REGULARIZERS

# Raised when losses, statistics or means of masked data change, which changes the ids of their runs
# alone.
VERSION = 3


def masked(config: RunConfig, spec: DataSpec) -> bool:
    """Whether places may hold nothing, other ones in each example, so that losses, statistics and
    means must mask them.

    Such places are steps at which a sequence is over, and targets that are missing: from the data
    on, or because a member of the data slot moves them out of an image.
    """
    if spec.inputs.ragged or spec.targets.ragged:
        return True
    moves = any(REGULARIZERS.get(member.name).mask for member in config.regularization)
    return moves and bool(spec.targets.shape) and not spec.windows


def data_id(config: RunConfig, spec: DataSpec) -> str:
    """The data's fingerprint as runs are known by; where places are masked, with a version of
    how."""
    return f"{spec.fingerprint}+{VERSION}" if masked(config, spec) else spec.fingerprint
