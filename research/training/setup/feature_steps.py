"""Feature steps: a data set with further columns, as `features` says."""

import dataclasses

from research.config import RunConfig
from research.data.features.engineered_table import engineered
from research.data.features.table_columns import TableColumns
from research.data.scaling import CURVED
from research.data.spec import DataSpec
from research.errors import UserError


def with_features(config: RunConfig, spec: DataSpec, steps: str) -> DataSpec:
    """The data set with the columns that `features` makes.

    Args:
        config: a completed config.
        spec: the data set as its task sees it.
        steps: as the flag `features` has them.

    Raises:
        UserError: the inputs are not the columns of a table, or a step does not fit them.
    """
    inputs = spec.inputs
    if not isinstance(inputs, TableColumns) or not inputs.names:
        raise UserError(
            f"features applies to tables, and the inputs of {spec.name} are {inputs.describe()};"
            " leave it out"
        )
    if config.scaling in CURVED:
        raise UserError(
            f"features cannot be combined with scaling={config.scaling}; use --scaling=standard"
        )
    if config.encodes_categories:
        raise UserError(
            "features reads one-hot categories, so it cannot be combined with"
            f" encoding_of_categories={config.encoding_of_categories.name}; leave one of them out"
        )
    if inputs.merged:
        what, near = inputs.merged
        raise UserError(
            f"features computes with the numbers of the data, and float32 merges {what}, which are"
            f" near {near:.4g}; subtract that in the file"
        )
    return dataclasses.replace(spec, inputs=engineered(inputs, steps))
