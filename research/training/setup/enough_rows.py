"""Whether the rows suffice for the batches and for the parts that read validation rows."""

from research import config as config_lib
from research.config import PARTS, RunConfig
from research.data.splitters.division import with_validation
from research.errors import ShapeError, UserError, nearest
from research.registry import METRICS, REGULARIZERS
from research.training.setup.program import Program
from research.training.step import means, objective


def check(config: RunConfig, program: Program) -> None:
    """Raises ShapeError if the rows cannot fill a batch, UserError if a part has none to read."""
    sizes = program.sizes
    collected = program.spec.inputs.collected
    if program.game.rounds > 1:
        _check_rounds(config, program)
    if not collected and sizes.batch > sizes.train:
        raise ShapeError(
            f"batch_size={sizes.batch} is larger than the {sizes.train} training rows; "
            "use a smaller one, or full for all of them"
        )
    if config.accumulate > sizes.batch:
        raise ShapeError(
            f"accumulate={config.accumulate} parts of a batch of {sizes.batch} leave some empty; "
            f"use at most {sizes.batch}"
        )
    stopping = [
        part.name
        for part in config.regularization
        if REGULARIZERS.get(part.name).slot == "stopping"
    ]
    needs = stopping + (["reduce_on_plateau"] if _feedback(config) else [])
    if needs and collected:
        raise UserError(
            f"{needs[0]} reads a validation loss, and an environment has none; leave it out"
        )
    if needs:
        check_validation(needs[0], config, program)
        _check_watched(config, program)
    if config.calibrate != "none":
        if config.task != "classification":
            raise UserError(
                f"calibrate={config.calibrate} maps scores of classes; the task is {config.task}"
            )
        if program.boosted:
            raise UserError(
                f"calibrate={config.calibrate} would change what the next member of a boosted"
                " ensemble learns from; leave it out"
            )
        check_validation(f"calibrate={config.calibrate}", config, program)


def check_validation(reader: str, config: RunConfig, program: Program) -> None:
    """Raises UserError if there are no validation rows.

    Args:
        reader: what reads them.
        config: the run's config.
        program: its program.
    """
    if not program.sizes.validation:
        raise UserError(
            f"{reader} reads the validation rows; split={config.split} leaves none; try"
            f" --split={with_validation(config.split)}"
        )


def _check_watched(config: RunConfig, program: Program) -> None:
    """Raises UserError if early stopping is to watch what validation rows are not measured by."""
    name = program.watched
    measured = {*objective.curve_names(program), *program.problem.whole}
    curves = measured & set(program.problem.better)
    if name == means.LOSS or name in curves:
        return
    if name in METRICS.names() and name not in (config.metrics or ()):
        raise UserError(
            f"early_stopping watches '{name}', which is not measured; add --metrics={name}"
        )
    raise UserError(
        f"early_stopping cannot watch '{name}'; {nearest(name, [means.LOSS, *sorted(curves)])}"
    )


def _check_rounds(config: RunConfig, program: Program) -> None:
    """Raises an error if a step cannot read a batch for each update that a player makes in it."""
    sizes, rounds = program.sizes, program.game.rounds
    name = config.objective.name
    if config.remainder == "pad":
        raise UserError(
            f"remainder=pad would leave some of the {rounds} batches that a step of"
            f" objective={name} reads without rows; use remainder=drop"
        )
    if sizes.batch > sizes.train:
        raise ShapeError(
            f"a step of objective={name} reads {rounds} batches of {program.rows_per_update}, more"
            f" than the {sizes.train} training rows; use a smaller --batch_size"
        )


def _feedback(config: RunConfig) -> bool:
    """Whether a schedule follows the validation loss. Raises UserError if there are several."""
    schedules = [view.schedule.name for _, view in config_lib.views(config)]
    feedback = any(PARTS["schedule"].get(name).feedback for name in schedules)
    if feedback and config.players:
        raise UserError(
            f"reduce_on_plateau follows one loss, and objective={config.objective.name} has"
            f" {len(schedules)} players; use another schedule"
        )
    return feedback
