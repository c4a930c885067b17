"""From settings to a config: parsing, checking and filling in defaults.

The config itself is in run_config.py, its leaves and its text in config_leaves.py.
"""

from typing import Any

from research.components import component, inline_options, regularizers
from research.config_leaves import (
    Leaf,
    format_regularization,
    leaves,
    non_default,
    numeric,
    task_default,
    to_flags,
)
from research.errors import UserError, nearest
from research.options import Settings
from research.player_settings import player_settings, players_of, views
from research.registry import LOSSES, METRICS, REGULARIZERS, TASKS
from research.run_config import (
    DEFAULTS_OF_TASKS,
    EXECUTION,
    FIELDS,
    FOLLOWING,
    FOLLOWS_SEED,
    FULL_BATCH,
    HELP,
    HINTS,
    NESTED,
    NUMERIC,
    OF_FILES,
    OPTIONS,
    PARTS,
    PLAYER_FIELDS,
    SEEDS,
    SHORT,
    STATIC,
    WORDS,
    Component,
    RunConfig,
)

__all__ = [
    "DEFAULTS_OF_TASKS",
    "EXECUTION",
    "FIELDS",
    "FOLLOWING",
    "FOLLOWS_SEED",
    "FULL_BATCH",
    "HELP",
    "HINTS",
    "NESTED",
    "NUMERIC",
    "OF_FILES",
    "OPTIONS",
    "PARTS",
    "PLAYER_FIELDS",
    "SEEDS",
    "SHORT",
    "STATIC",
    "Component",
    "Leaf",
    "RunConfig",
    "by_full_name",
    "canonical_path",
    "format_regularization",
    "inline_options",
    "leaves",
    "non_default",
    "numeric",
    "regularizers",
    "resolve",
    "task_default",
    "to_flags",
    "views",
]


def resolve(settings: Settings) -> tuple[RunConfig, frozenset[str]]:
    """Settings (flag -> text or value) as a checked config, and the unused nested settings.

    A nested setting is unused if the chosen component has no such option. The caller decides
    whether that is an error: in a sweep another arm may use it.

    Raises:
        UserError: for anything else that is wrong.
    """
    settings = by_full_name(settings)
    nested = _nested(settings)
    values: dict[str, Any] = {}
    unused: set[str] = set()
    text = settings.get("objective", FIELDS["objective"].default)
    objective, _ = component("objective", PARTS["objective"], text, nested.get("objective", {}))
    players = players_of(objective)
    if len(players) > 1:
        values["players"], unused = player_settings(players, settings, nested)
        settings = {name: value for name, value in settings.items() if name not in PLAYER_FIELDS}
        nested = {name: options for name, options in nested.items() if name not in PLAYER_FIELDS}
    unused |= {f"learning_rate.{name}" for name in nested.get("learning_rate", {})}
    for name, registry in PARTS.items():
        text = settings.get(name, FIELDS[name].default)
        options = nested.get(name, {})
        if name == "regularization":
            # Several entries under one name, so that the name of an option has the regularizer's
            # before it.
            values[name] = regularizers(text, options)
            continue
        values[name], unknown = component(name, registry, text, options)
        unused.update(f"{name}.{key}" for key in unknown)
    for name, option in OPTIONS.items():
        if name in WORDS and name in settings:
            values[name] = _number_or_word(name, settings[name])
        elif name in settings:
            values[name] = option.parse(settings[name], name)
    # Looked up only for the error: an unknown name must be refused before anything trains.
    for name, registry in (("task", TASKS), ("loss", LOSSES)):
        if values.get(name, "auto") != "auto":
            registry.get(values[name])
    for name in values.get("metrics") or ():
        _refuse_own_metric(name)
        METRICS.get(name)
    values["dataset"] = _with_group(values["dataset"], values["split"])
    return RunConfig(**values), frozenset(unused)


def _refuse_own_metric(name: str) -> None:
    """Raises UserError if a task measures the metric in any case."""
    tasks = [task.name for task in TASKS if name in task.build().better]
    if tasks and name not in METRICS:
        raise UserError(f"metrics={name}: {tasks[0]} measures it in any case; leave it out")


def _with_group(dataset: Component, split: Component) -> Component:
    """The data set with the column of groups that the split names.

    Raises UserError if it takes none, or was given another.
    """
    column = dict(split.options).get("group")
    if not column:
        return dataset
    options = dict(dataset.options)
    if "group" not in options:
        raise UserError(
            f"split={split} names the column '{column}', and {dataset.name} is no csv file, whose"
            " columns could be named"
        )
    if options["group"] not in ("", column):
        raise UserError(
            f"split.group={column} and dataset.group={options['group']} name different columns"
        )
    return Component(dataset.name, tuple((options | {"group": column}).items()))


def by_full_name(settings: Settings) -> Settings:
    """The settings without short names. Raises UserError where one is given in both ways."""
    for short in settings.keys() & SHORT.keys():
        if SHORT[short] in settings:
            raise UserError(f"{short} is short for {SHORT[short]}; leave one of them out")
    return {SHORT.get(name, name): value for name, value in settings.items()}


def _nested(settings: Settings) -> dict[str, dict[str, Any]]:
    """The settings with a dot, by the name before it. Raises UserError on an unknown name."""
    nested: dict[str, dict[str, Any]] = {}
    for key, value in settings.items():
        head, dot, tail = key.partition(".")
        if head not in FIELDS or (tail and head not in NESTED):
            raise UserError(f"unknown setting '{key}'; {nearest(key, [*FIELDS, *SHORT])}")
        if dot:
            nested.setdefault(head, {})[tail] = value
    return nested


def _number_or_word(name: str, text: Any) -> int | None:
    """The value of a setting that also takes a word for a number: `batch_size=full`."""
    word, meaning = WORDS[name]
    if text == word:
        return meaning
    try:
        number: int | None = OPTIONS[name].parse(text, name)
    except UserError as error:
        raise UserError(f"{error}, or {word}") from None
    return number


def canonical_path(path: str) -> str:
    """`regularization.dropout`, short for its first option, as `regularization.dropout.rate`; any
    other path unchanged."""
    head, _, name = path.partition(".")
    if head != "regularization" or name not in REGULARIZERS:
        return path
    options = REGULARIZERS.get(name).options
    return f"{path}.{options[0].name}" if options else path
