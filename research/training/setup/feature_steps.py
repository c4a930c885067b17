"""Feature steps: a data set with further columns, as `features` says."""

import dataclasses

from research.config import FIELDS, RunConfig
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
            f"features makes columns of those of a table, and the inputs of {spec.name} are"
            f" {inputs.describe()}; leave it out"
        )
    if config.scaling in CURVED:
        raise UserError(
            f"features and scaling={config.scaling} do not go together; try --scaling=standard"
        )
    encoding = config.encoding_of_categories
    if encoding != FIELDS["encoding_of_categories"].default:
        raise UserError(
            f"features reads one-hot categories, and encoding_of_categories={encoding.name} codes"
            " them; leave one of them out"
        )
    if inputs.merged:
        what, near = inputs.merged
        raise UserError(
            f"features reads numbers as they are, and float32 merges {what}, which are near"
            f" {near:.4g}; subtract that in the file"
        )
    return dataclasses.replace(spec, inputs=engineered(inputs, steps))
