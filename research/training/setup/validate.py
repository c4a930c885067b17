"""Completes a config from its data, and refuses what cannot work before anything trains."""

import dataclasses
import functools
from typing import Any

from research import config as config_lib
from research.components import component
from research.config import FIELDS, FOLLOWING, FOLLOWS_SEED, RunConfig
from research.data.features.table_columns import TableColumns
from research.data.scaling import CURVED, FROM_ZERO
from research.data.spec import UNLABELLED, DataSpec
from research.data.splitters.division import check_fold, check_groups, check_seed
from research.data.splitters.drawn_rows import check_drawn, training_rows
from research.errors import ShapeError, UserError
from research.identity import entries
from research.registry import (
    ARCHITECTURES,
    LOSSES,
    METRICS,
    REGULARIZERS,
    SPLITTERS,
    TASKS,
    Architecture,
)
from research.run_config import PlayerSettings
from research.training.boosting import requirements
from research.training.setup import chosen_columns, effects, environment, host, rows_read
from research.training.setup.compatibility import advice, as_taken
from research.training.setup.feature_steps import with_features
from research.training.setup.lane_inputs import (
    UPDATES_PER_EPOCH,
    lr_factors_of,
    make_program,
)
from research.training.setup.preparation import prepared
from research.training.setup.program import Program
from research.training.setup.reduction import reduced
from research.training.step import means


def complete(config: RunConfig, spec: DataSpec) -> RunConfig:
    """The config with every `auto` and unset seed filled in from the data."""
    if host.is_fitted(config):
        config = host.without_training(config)
    task = spec.task if config.task == "auto" else config.task
    if task == UNLABELLED:
        raise UserError(
            f"{spec.name} has no target; say --task=clustering or --task=reconstruction, or name a"
            " column: --target=COLUMN"
        )
    spec = seen(spec, task)
    environment.check_split_seed(config, spec)
    check_seed(config)
    loss = config.loss
    if loss == "auto":
        by_arch = ARCHITECTURES.get(config.arch.name).loss
        loss = TASKS.get(task).loss if by_arch == "auto" else by_arch
    metrics = tuple(sorted(set(config.metrics or ()))) or None
    by_task = {
        name: config_lib.task_default(task, name)
        for name in config_lib.DEFAULTS_OF_TASKS
        if getattr(config, name) == FIELDS[name].default
    }
    seeds: dict[str, Any] = seeds_of(config, spec, config.seed)
    return dataclasses.replace(
        config,
        task=task,
        loss=loss,
        metrics=metrics,
        **seeds,
        updates_per_epoch=_updates_per_epoch(config, spec),
        **by_task,
        **_normalized(config),
        players=tuple(_with_rate(player, task) for player in config.players),
    )


def _updates_per_epoch(config: RunConfig, spec: DataSpec) -> int | None:
    """None for the default of an environment, so that both ways to say it are one run."""
    default = spec.inputs.collected and config.updates_per_epoch == UPDATES_PER_EPOCH
    return None if default else config.updates_per_epoch


def seeds_of(config: RunConfig, spec: DataSpec, seed: int) -> dict[str, int]:
    """All seeds of a config that is not completed yet, by field.

    Args:
        config: says them, or leaves them to the run's seed and to the data.
        spec: what is known of the data.
        seed: the run's.
    """
    by_seed = spec.split_by_seed and SPLITTERS.get(config.split.name).seeded
    follows = FOLLOWS_SEED if by_seed else 0
    split = follows if config.split_seed is None else config.split_seed
    apart = {name: getattr(config, name) for name in FOLLOWING}
    followed = {name: seed if value is None else value for name, value in apart.items()}
    return {"seed": seed, **followed, "split_seed": seed if split == FOLLOWS_SEED else split}


def _with_rate(player: PlayerSettings, task: str) -> PlayerSettings:
    """A player's settings with the learning rate of the task, if it has none."""
    if player.learning_rate is not None:
        return player
    return dataclasses.replace(player, learning_rate=config_lib.task_default(task, "learning_rate"))


def seen(spec: DataSpec, task: str) -> DataSpec:
    """What is known of a data set as the task sees it."""
    sees = TASKS.get(task).sees
    return spec if sees is None else sees(spec)


def _normalized(config: RunConfig) -> dict[str, Any]:
    """`normalization` as a member of the regularization list: the fields to replace, so that two
    ways to say the same are one config."""
    by_arch = ARCHITECTURES.get(config.arch.name).normalization
    chosen = [
        member
        for member in config.regularization
        if REGULARIZERS.get(member.name).slot == "normalization"
    ]
    name = f"{config.normalization}_norm"
    if config.normalization == "auto":
        added = by_arch if by_arch and not chosen else ""
    elif config.normalization == "none" or any(
        member.name == name for member in config.regularization
    ):
        added = ""
    else:
        added = by_arch if by_arch.startswith(name) else name
    if config.normalization != "auto" and chosen and chosen[0].name != name:
        raise UserError(
            f"normalization={config.normalization} and regularization={chosen[0]} say different"
            " things"
        )
    parts = {
        member.name: member
        for member in (*config.regularization, *config_lib.regularizers(added or "none"))
    }
    regularization = tuple(parts[name] for name in sorted(parts))
    left = any(REGULARIZERS.get(name).slot == "normalization" for name in parts)
    return {
        "regularization": regularization,
        "normalization": "auto" if left or not by_arch else "none",
    }


def check(config: RunConfig, spec: DataSpec) -> Program:
    """The program of a completed config. Raises UserError with the first thing that is wrong."""
    spec = seen(spec, config.task)
    if config.task != spec.task:
        raise UserError(f"task={config.task} does not fit {spec.name}, which is for {spec.task}")
    environment.check(config, spec)
    fills = isinstance(spec.inputs, TableColumns) and spec.inputs.impute
    if config.features is not None or fills:
        spec = with_features(config, spec)
    if config.scaling in CURVED or config.encodes_categories:
        spec = prepared(config, spec)
    if config.reduce != FIELDS["reduce"].default:
        spec = reduced(config, spec)
    try:
        spec = as_taken(spec, ARCHITECTURES.get(config.arch.name))
    except ShapeError as error:
        trains = functools.partial(_trains, config, spec)
        raise ShapeError(f"{error}; {advice(spec, trains)}") from None
    if spec.targets.unlabelled and spec.inputs.arrays:
        raise UserError(
            f"task={config.task} needs a single input, and arch={config.arch.name} takes"
            f" {spec.inputs.describe()}"
        )
    check_parts(config, spec)
    loss = LOSSES.get(config.loss)
    by_task = TASKS.get(config.task).loss
    if config.task not in loss.tasks and loss.name != by_task:
        fitting = [
            entry.name for entry in LOSSES if config.task in entry.tasks or entry.name == by_task
        ]
        raise UserError(
            f"loss={loss.name} is for {', '.join(loss.tasks)}; for {config.task} there are"
            f" {', '.join(fitting)}"
        )
    if config.loss_mean == means.TARGETS and not make_program(config, spec).counts_targets:
        raise UserError(
            "loss_mean=targets applies only to examples that differ in their number of"
            f" targets; those of {spec.name} all have the same number; leave it out"
        )
    _check_metrics(config)
    host.check_task(config)
    _check_mixing(config, spec)
    if config.label_noise and config.task != "classification":
        raise UserError(f"label_noise redraws classes, but {spec.name} is for {spec.task}")
    _check_input(config, spec)
    program = make_program(config, spec)
    if program.fitted:
        if host.stops_early(config):
            rows_read.check_validation("arch.early_stopping_rounds", config, program)
        return program
    rows_read.check(config, program)
    _check_slots(config)
    # Built for its errors only: a schedule checks its options against the number of steps.
    lr_factors_of(config, program)
    effects.check(config, program)
    return program


def _trains(config: RunConfig, spec: DataSpec, entry: Architecture) -> bool:
    """Whether a run trains with this architecture, which takes its data, in place of its own."""
    arch, _ = component("arch", ARCHITECTURES, entry.name, {})
    # The loss of a completed config may be that of the other architecture.
    config = dataclasses.replace(config, arch=arch, loss="auto")
    try:
        check(complete(config, spec), spec)
    except UserError:
        return False
    return True


def _check_metrics(config: RunConfig) -> None:
    """Raises UserError if a metric of the user's own cannot measure the task's runs."""
    for name in config.metrics or ():
        entry = METRICS.get(name)
        if config.task not in entry.tasks:
            raise UserError(
                f"metrics={name} is for {' and '.join(entry.tasks)}; the task is {config.task}"
            )
        if entry.whole and TASKS.get(config.task).build().summary is None:
            raise UserError(
                f"metrics={name} reads a whole split, and task={config.task} has too many"
                " scores to keep; write a metric per example, without whole=True"
            )


def _check_mixing(config: RunConfig, spec: DataSpec) -> None:
    """Raises UserError if a loss takes mixed classes for what they are not."""
    if not spec.targets.classes or LOSSES.get(config.loss).linear:
        return
    for member in config.regularization:
        entry = REGULARIZERS.get(member.name)
        off = entry.neutral is not None and all(
            member[name] == value for name, value in entry.neutral.items()
        )
        if entry.slot == "targets" and not off:
            raise UserError(
                f"{member.name} mixes classes, and loss={config.loss} of mixed classes is not the"
                f" mixture of their losses; use loss={TASKS.get(config.task).loss}, or leave"
                f" {member.name} out"
            )


def check_parts(config: RunConfig, spec: DataSpec) -> None:
    """Raises UserError if the parts of a completed config, or its scaling, do not fit; spec: as it
    is seen.

    These checks may read any number of the config. All others read only what is the same for a
    whole program.
    """
    check_groups(config, spec)
    check_fold(config, spec)
    check_drawn(config, spec)
    _check_batch_of_fold(config, spec)
    if config.hides_columns:
        chosen_columns.check(config, spec)
    _check_scaling(config, spec)
    _check_weights(config, spec)
    _check_boost(config, spec)
    for _, view in config_lib.views(config):
        for _, entry in entries(view):
            for constraint in entry.constraints:
                if wrong := constraint(view, spec):
                    raise UserError(wrong)


def _check_batch_of_fold(config: RunConfig, spec: DataSpec) -> None:
    """Raises ShapeError if a batch takes more rows than the fold trains on; another fold of its
    program may have them."""
    if config.fold is None or host.is_fitted(config):
        return
    rows = training_rows(config, spec)
    if config.batch_size > rows:
        raise ShapeError(
            f"batch_size={config.batch_size} is larger than the {rows} training rows of"
            f" fold={config.fold}; use a smaller one, or full for all of them"
        )


def _check_boost(config: RunConfig, spec: DataSpec) -> None:
    """Raises UserError if a run cannot be boosted, or has settings of boosting without it."""
    if config.boost != "none":
        return requirements.check(config, spec)
    for name in ("boost_rate", "after"):
        if getattr(config, name) != FIELDS[name].default:
            raise UserError(f"{name} applies only with --boost; leave it out")


def _check_weights(config: RunConfig, spec: DataSpec) -> None:
    """Raises UserError if examples cannot be weighed by their class, or by a column."""
    if config.class_weight is not None:
        if config.task != "classification":
            raise UserError(
                f"class_weight weighs examples by their class, and {spec.name} is for {spec.task};"
                " leave it out"
            )
        config.class_weight.check(spec.targets.classes)
    weighed_by = [
        *(["class_weight"] if config.class_weight is not None else []),
        *(["weight"] if spec.weighted else []),
    ]
    if weighed_by and config.objective != FIELDS["objective"].default:
        raise UserError(
            f"{weighed_by[0]} applies only to objective=supervised, whose loss is a mean over"
            f" examples; with objective={config.objective.name}, leave it out"
        )
    if weighed_by:
        host.check_weighs(config.arch.name, weighed_by[0])
    if not spec.weighted:
        return
    for member in config.regularization:
        if REGULARIZERS.get(member.name).mixes_examples:
            raise UserError(
                f"{member.name} mixes rows, whose weights may differ; leave --weight or"
                f" {member.name} out"
            )


def _check_scaling(config: RunConfig, spec: DataSpec) -> None:
    if config.target_scaling != "none" and (spec.targets.of_classes or spec.targets.unlabelled):
        raise UserError(
            f"target_scaling scales a regression's targets; {spec.name} is for {spec.task}"
        )
    if not spec.inputs.scaled and config.scaling not in (FIELDS["scaling"].default, "none"):
        raise UserError(
            f"scaling={config.scaling} applies only to numbers, and {spec.name} has"
            f" {spec.inputs.counted}; leave it out"
        )
    wide = config.precision == "float64"
    # A fit on the host has no precision to choose.
    otherwise = "" if host.is_fitted(config) or wide else ", or --precision=float64"
    for flag, feature in (("scaling", spec.inputs), ("target_scaling", spec.targets)):
        method = getattr(config, flag)
        as_they_are = () if wide else ("none",)
        if feature.merged and method in (*as_they_are, *FROM_ZERO):
            what, near = feature.merged
            raise UserError(
                f"{flag}={method}: float32 merges {what} of {spec.name}, which are near {near:.4g};"
                f" try --{flag}=standard{otherwise if method == 'none' else ''}"
            )


def _check_input(config: RunConfig, spec: DataSpec) -> None:
    for member in config.regularization:
        entry = REGULARIZERS.get(member.name)
        if not spec.inputs.numeric and (entry.slot == "data" or entry.mixes_examples):
            raise UserError(
                f"{member.name} changes numbers, and the inputs of {spec.name} are"
                f" {spec.inputs.counted}; leave it out"
            )
        if spec.targets.arrays and entry.slot == "targets":
            raise UserError(
                f"{member.name} changes one target, and those of {spec.name} are"
                f" {spec.targets.describe()}; leave it out"
            )
        if spec.inputs.ragged and entry.mixes_examples:
            raise UserError(
                f"{member.name} mixes series, and those of {spec.name} are not equally long; leave"
                " it out"
            )


def _check_slots(config: RunConfig) -> None:
    """Raises UserError if two regularizers are of a slot that takes one."""
    by_slot: dict[str, list[str]] = {}
    for member in config.regularization:
        by_slot.setdefault(REGULARIZERS.get(member.name).slot, []).append(member.name)
    for slot in ("normalization", "stopping", "average"):
        if len(by_slot.get(slot, ())) > 1:
            raise UserError(
                f"{' and '.join(by_slot[slot])} are both of the slot {slot}, which takes one"
            )
