"""Reduction: a data set with fewer numbers an example, as `reduce` says."""

import dataclasses
import math

from research.config import RunConfig
from research.data.features.reduced import Reduced
from research.data.spec import DataSpec
from research.data.splitters.drawn_rows import training_rows
from research.errors import ShapeError, UserError


def reduced(config: RunConfig, spec: DataSpec) -> DataSpec:
    """The data set as its network gets it.

    Args:
        config: a completed config, whose `reduce` is not none.
        spec: the data set as its task sees it.

    Raises:
        UserError: the inputs are not numbers of fixed places, or another setting needs all of them.
        ShapeError: there are fewer numbers or training rows than the reduction leaves.
    """
    chosen = config.reduce
    inputs = spec.inputs
    if not inputs.numeric or not inputs.scaled or inputs.ragged or inputs.arrays:
        raise UserError(
            f"reduce={chosen.call} applies to tables and images of numbers, and the inputs of"
            f" {spec.name} are {inputs.describe()}; leave it out"
        )
    if spec.targets.reconstructs:
        raise UserError(
            f"task={config.task} reconstructs the inputs, and reduce={chosen.call} would replace"
            " them; leave it out"
        )
    if config.column_share is not None:
        raise UserError(
            f"column_share cannot be combined with reduce={chosen.call}, which mixes all columns;"
            " leave one of them out"
        )
    ((_, size),) = chosen.options
    numbers = math.prod(inputs.shape)
    if size > numbers:
        raise ShapeError(
            f"reduce={chosen.call}: an example of {spec.name} has only {numbers} numbers"
        )
    rows = training_rows(config, spec)
    if size > rows:
        raise ShapeError(f"reduce={chosen.call}: there are only {rows} training rows")
    names = tuple(f"{chosen.name}{place + 1}" for place in range(size))
    table = Reduced((size,), names, of=inputs, method=chosen.name)
    return dataclasses.replace(spec, inputs=table)
