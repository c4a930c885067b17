"""Feature steps: a data set with further columns, as `features` says."""

import dataclasses

from research.config import RunConfig
from research.data.features.engineered_table import engineered
from research.data.features.table_columns import TableColumns
from research.data.scaling import CURVED
from research.data.spec import DataSpec
from research.errors import UserError


def with_features(config: RunConfig, spec: DataSpec) -> DataSpec:
    """The data set with the columns that `features` makes.

    Args:
        config: a completed config.
        spec: the data set as its task sees it.

    Raises:
        UserError: the inputs are not the columns of a table, or a step does not fit them.
    """
    if config.features is None:
        return spec
    inputs = spec.inputs
    if not isinstance(inputs, TableColumns) or not inputs.names:
        raise UserError(
            f"features makes columns of those of a table, and the inputs of {spec.name} are"
            f" {inputs.describe()}; leave it out"
        )
    if config.scaling in CURVED:
        raise UserError(
            f"features and scaling={config.scaling} do not go together; try --scaling=standard"
        )
    if inputs.merged:
        what, near = inputs.merged
        raise UserError(
            f"features reads numbers as they are, and float32 merges {what}, which are near"
            f" {near:.4g}; subtract that in the file"
        )
    return dataclasses.replace(spec, inputs=engineered(inputs, config.features))
