"""Requirements: what a run must be to be a member of a boosted ensemble."""

from research.config import FIELDS, RunConfig
from research.data.spec import DataSpec
from research.errors import UserError
from research.registry import ARCHITECTURES, REGULARIZERS, TASKS

TASKS_BOOSTED = ("classification", "regression")


def check(config: RunConfig, spec: DataSpec) -> None:
    """Raises UserError if a run cannot be boosted.

    Args:
        config: the run's completed config, with a boost.
        spec: its data, as its task sees them.
    """
    wrong = _of_training(config, spec)
    if config.boost == "residuals":
        wrong |= _of_residuals(config)
    for setting, present in wrong.items():
        if present:
            raise UserError(
                f"{setting} does not go with boost={config.boost}, which decides what a member"
                " learns; leave one of them out"
            )


def refuse_part(run_id: str, config: RunConfig) -> None:
    """Raises UserError if a run predicts only its part of a sum.

    Args:
        run_id: the run.
        config: its config.
    """
    if config.boost == "residuals":
        raise UserError(
            f"run {run_id} predicts only its part, which is added to those of the runs before it"
            " (boost=residuals); its record and its kept predictions have the sum"
        )


def _of_training(config: RunConfig, spec: DataSpec) -> dict[str, bool]:
    """By setting, whether it is there and contradicts boosting."""
    return {
        f"task={config.task}": config.task not in TASKS_BOOSTED,
        f"objective={config.objective.name}": config.objective != FIELDS["objective"].default,
        "label_noise": bool(config.label_noise),
        "class_weight": config.class_weight is not None,
        "weight": spec.weighted,
        # Members would draw other rows, and earlier predictions are by row.
        "row_share": config.row_share is not None,
        "bootstrap": config.bootstrap,
    }


def _of_residuals(config: RunConfig) -> dict[str, bool]:
    """By setting, whether it is there and contradicts fitting residuals."""
    members = ARCHITECTURES.get(config.arch.name).members_option
    changes = {
        member.name: REGULARIZERS.get(member.name).slot == "targets"
        for member in config.regularization
    }
    return changes | {
        # The gradient is that of the task's loss.
        f"loss={config.loss}": config.loss != TASKS.get(config.task).loss,
        f"arch.{members}": bool(members) and dict(config.arch.options)[members] is not None,
    }
