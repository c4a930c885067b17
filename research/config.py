"""From settings to a config: parsing, checking and filling in defaults.

The config itself is in run_config.py, its leaves and its text in config_leaves.py.
"""

import functools
from collections.abc import Mapping
from typing import Any

from research import grammar
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
from research.option_text import entry_and_options, option_names, regularizer_and_options
from research.options import REQUIRED
from research.player_settings import player_settings, players_of, views
from research.registry import LOSSES, METRICS, REGULARIZERS, TASKS, Entry, Registry
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

Settings = Mapping[str, Any]


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
    objective, _ = _component("objective", PARTS["objective"], text, nested.get("objective", {}))
    players = players_of(objective)
    if len(players) > 1:
        values["players"], unused = player_settings(players, settings, nested, _component)
        settings = {name: value for name, value in settings.items() if name not in PLAYER_FIELDS}
        nested = {name: options for name, options in nested.items() if name not in PLAYER_FIELDS}
    unused |= {f"learning_rate.{name}" for name in nested.get("learning_rate", {})}
    for name, registry in PARTS.items():
        text = settings.get(name, FIELDS[name].default)
        options = nested.get(name, {})
        if name == "regularization":
            # Several entries under one name, so that the name of an option has the regularizer's
            # before it.
            values[name] = _regularizers(text, options)
            continue
        values[name], unknown = _component(name, registry, text, options)
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
        METRICS.get(name)
    return RunConfig(**values), frozenset(unused)


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


def _component(
    name: str, registry: Registry[Any], text: Any, nested: dict[str, Any]
) -> tuple[Component, set[str]]:
    """One chosen entry with its options, and the nested settings that it does not have."""
    if isinstance(text, Component):
        nested = {**dict(text.options), **nested}
        text = text.name
    entry_name, inline = entry_and_options(registry, str(text))
    entry = registry.get(entry_name)
    if twice := next((key for key in nested if key in inline), None):
        raise UserError(f"{name}={text} sets {name}.{twice} already; leave one of them out")
    given = {**inline, **nested}
    unused = {key for key in nested if entry.option(key) is None}
    return _filled(entry, {k: v for k, v in given.items() if k not in unused}, name), unused


def _filled(entry: Entry, given: Mapping[str, Any], where: str) -> Component:
    """The entry with `given` options parsed and the others at their defaults."""
    values = tuple(given.items())
    try:
        # The cache is by value and type: 1, 1.0 and True are equal as keys.
        return _filled_once(entry, values, tuple(map(type, given.values())), where)
    except TypeError:  # a value that cannot be a key
        return _filled_once.__wrapped__(entry, values, (), where)


# Most runs of a sweep share their components, so each is parsed once.
@functools.lru_cache(maxsize=4096)
def _filled_once(
    entry: Entry, values: tuple[tuple[str, Any], ...], types: tuple[type, ...], where: str
) -> Component:
    """types: of the values. Without them 1 and True would be the same key of the cache."""
    given = dict(values)
    options = []
    for option in entry.options:
        value = given.get(option.name, option.default)
        if value is REQUIRED:
            described = option.help or option.name
            raise UserError(f"{where}: {entry.name} needs a value for {option.name}: {described}")
        if option.name in given:
            value = option.parse(value, f"{where}.{option.name}")
        options.append((option.name, value))
    return Component(entry.name, tuple(options))


def regularizers(text: str) -> tuple[Component, ...]:
    """A list such as `dropout=0.5,batch_norm` as components."""
    return _regularizers(text, {})


def _regularizers(text: Any, nested: dict[str, Any]) -> tuple[Component, ...]:
    """`dropout=0.5,elastic_net(l1=1e-4,l2=1e-4)` and nested settings such as `dropout=0.1` as
    components in the order of their names."""
    chosen: dict[str, dict[str, Any]] = {}
    if isinstance(text, tuple):
        chosen = {component.name: dict(component.options) for component in text}
    elif str(text) != "none":
        for name, value in grammar.items(str(text)):
            member, options = regularizer_and_options(name, value)
            if member in chosen:
                raise UserError(f"regularization={text} names {member} twice")
            chosen[member] = options
    for key, value in nested.items():
        name, _, option = key.partition(".")
        entry = REGULARIZERS.get(name)
        if not entry.options:
            raise UserError(f"regularization.{name} takes no value; write regularization={name}")
        option = option or entry.options[0].name
        if entry.option(option) is None:
            known = nearest(option, option_names(entry))
            raise UserError(f"regularization.{name} has no option '{option}'; {known}")
        chosen.setdefault(name, {})[option] = value
    return tuple(
        _filled(REGULARIZERS.get(name), options, f"regularization.{name}")
        # Sorted, so that the order in which a user lists them changes neither the result nor its
        # id.
        for name, options in sorted(chosen.items())
    )


def inline_options(settings: Mapping[str, Any]) -> set[str]:
    """The paths of the options in the text of a component: `dropout=0.5` has
    regularization.dropout.rate."""
    paths: set[str] = set()
    for name, registry in PARTS.items():
        text = str(settings.get(name, "none"))
        if name != "regularization":
            paths |= {f"{name}.{opt}" for opt in entry_and_options(registry, text)[1]}
        elif text != "none":
            members = [regularizer_and_options(*item) for item in grammar.items(text)]
            paths |= {f"{name}.{member}.{opt}" for member, options in members for opt in options}
    return paths


def canonical_path(path: str) -> str:
    """`regularization.dropout`, short for its first option, as `regularization.dropout.rate`; any
    other path unchanged."""
    head, _, name = path.partition(".")
    if head != "regularization" or name not in REGULARIZERS:
        return path
    options = REGULARIZERS.get(name).options
    return f"{path}.{options[0].name}" if options else path
