"""Tasks without labels: which data sets they apply to."""

from research.data.spec import DataSpec
from research.errors import UserError


def check_examples(spec: DataSpec, task: str) -> None:
    """Raises UserError if a data set has no examples of numbers with one label each.

    Args:
        spec: the facts of the data set.
        task: the name of the task.
    """
    unfit = {
        "tokens": spec.inputs.tokens,
        "windows": spec.windows,
        "an environment": spec.inputs.collected,
        "a target at each place": spec.targets.shape,
        "series that are not equally long": spec.inputs.ragged,
    }
    if what := next((what for what, is_so in unfit.items() if is_so), ""):
        raise UserError(
            f"task={task} applies to tables, images and series with a label; {spec.name} has {what}"
        )
