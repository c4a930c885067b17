"""Stretches: how a long sequence is cut into a training, a validation and a test part, and the windows of each."""

import itertools
from collections.abc import Sequence

import numpy as np

from research.data.spec import DataSpec
from research.errors import UserError

# The split of a config that says nothing of it: a sequence with parts of its own keeps them.
DEFAULT = (8, 1, 1)


def windows(spec: DataSpec, ratios: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The training, validation and test windows, int32: their rows, each ascending; two ratios are training and test.

    A window and the target of its last place lie within one part. Training windows begin at every place of theirs;
    those of the others follow each other without overlap, and what is left at the end of a part is not evaluated.
    Raises UserError if a part is too short for one window.
    """
    context = spec.shape[0]
    train, *evaluated = itertools.pairwise(_cuts(spec, ratios))
    for begin, end in (train, *evaluated):
        if 0 < end - begin <= context:
            raise UserError(
                f"split={_written(ratios)} leaves {spec.name} a part of {end - begin:,} places, too few for a window "
                f"of context={context} and what follows it"
            )
    validation, test = evaluated if len(evaluated) == 2 else ((0, 0), *evaluated)
    return _rows(*train, context, 1), _rows(*validation, context, context), _rows(*test, context, context)


def _rows(begin: int, end: int, context: int, stride: int) -> np.ndarray:
    return np.arange(begin, max(end - context, begin), stride, dtype=np.int32)


def _cuts(spec: DataSpec, ratios: Sequence[int]) -> list[int]:
    """Where the parts begin and end: the shares of the sequence, rounded down, or its own parts."""
    total = spec.size + spec.shape[0]
    cuts = [total * share // sum(ratios) for share in itertools.accumulate(ratios, initial=0)]
    if not spec.parts:
        return cuts
    own = list(itertools.accumulate(spec.parts, initial=0))
    if tuple(ratios) == DEFAULT:
        return own
    if cuts[1] != own[1] or cuts[2] not in own:
        raise UserError(
            f"split={_written(ratios)}: {spec.name} comes in parts of its own; leave split out to keep them, or give "
            f"9:1:0 to validate on all that it does not train on"
        )
    return cuts


def _written(ratios: Sequence[int]) -> str:
    return ":".join(map(str, ratios))
