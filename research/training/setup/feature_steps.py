"""Feature steps: a data set with further columns, as `features` says."""

import dataclasses

from research.config import RunConfig
from research.data import impute
from research.data.features.engineered_table import engineered
from research.data.features.table_columns import TableColumns
from research.data.scaling import CURVED
from research.data.spec import DataSpec
from research.errors import UserError


def with_features(config: RunConfig, spec: DataSpec) -> DataSpec:
    """The data set with the columns that `features` makes, and those of missing numbers.

    Args:
        config: a completed config.
        spec: the data set as its task sees it.

    Raises:
        UserError: the inputs are not the columns of a table, or a step does not fit them.
    """
    inputs = spec.inputs
    flag = "features"
    if isinstance(inputs, TableColumns) and impute.indicates(inputs.impute):
        flag = f"impute={inputs.impute}"
    elif config.features is None:
        return spec
    if not isinstance(inputs, TableColumns) or not inputs.names:
        raise UserError(
            f"{flag} applies to tables with named columns, and the inputs of {spec.name} are"
            f" {inputs.describe()}; leave it out"
        )
    if config.scaling in CURVED:
        raise UserError(
            f"{flag} cannot be combined with scaling={config.scaling}; use --scaling=standard"
        )
    if config.encodes_categories:
        raise UserError(
            f"{flag} reads one-hot categories, so it cannot be combined with"
            f" encoding_of_categories={config.encoding_of_categories.name}; leave one of them out"
        )
    if inputs.merged:
        what, near = inputs.merged
        raise UserError(
            f"{flag} computes with the numbers of the data, and float32 merges {what}, which are"
            f" near {near:.4g}; subtract that in the file"
        )
    return dataclasses.replace(spec, inputs=engineered(inputs, config.features or ""))
