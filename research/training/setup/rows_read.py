"""Rows read: whether they suffice for the batches and for the parts that read validation rows, and
which of them no training reads or evaluates."""

from research import config as config_lib
from research.config import PARTS, RunConfig
from research.data import split, stretches
from research.data.splitters.division import division, with_validation
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
        member.name
        for member in config.regularization
        if REGULARIZERS.get(member.name).slot == "stopping"
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


def notes(program: Program) -> list[str]:
    """What is good to know of a program's training before it begins."""
    return [*_never_read(program), *_never_evaluated(program), *_outside_the_folds(program)]


def _never_read(program: Program) -> list[str]:
    sizes = program.sizes
    # Of uneven folds, in the largest: `sizes.real` is of the smallest.
    read = min(sizes.train, sizes.steps_per_epoch * sizes.batch)
    if program.config.reshuffle_each_epoch or read == sizes.train:
        return []
    return [
        f"reshuffle_each_epoch=false reads the same {read} of the {sizes.train} training rows"
        f" in every epoch: the other {sizes.train - read} fill no batch of {sizes.batch};"
        " --remainder=pad reads them too"
    ]


def _outside_the_folds(program: Program) -> list[str]:
    spec, config = program.spec, program.config
    if not spec.test_size or division(config.split).folds(spec) == 1:
        return []
    return [
        f"{spec.name}: its own {spec.test_size:,} test rows stay out of the folds of"
        f" split={config.split}, which divides the other rows; predictions for them are averaged"
        " over the folds"
    ]


def _never_evaluated(program: Program) -> list[str]:
    spec = program.spec
    if not spec.windows:
        return []
    left = stretches.left_out(spec, split.parse_split(program.config.split.name))
    end = "ends of the {} parts" if len(stretches.lengths(spec)) > 1 else "end of the {} part"
    parts = " and ".join(f"{count} at the {end.format(name)}" for name, count in left.items())
    return [
        f"{spec.name}: values that fill no window of context={spec.inputs.shape[0]} are not"
        f" evaluated: {parts}"
    ] * bool(left)
