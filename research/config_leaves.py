"""The leaves of a config: every value with its path, and the config as text."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

from research.options import REQUIRED, format_value
from research.registry import (
    ARCHITECTURES,
    REGULARIZERS,
    TASKS,
    Entry,
    HostEstimator,
)
from research.run_config import (
    DEFAULTS_OF_TASKS,
    FIELDS,
    FITTED_SETTINGS,
    FOLLOWING,
    NUMERIC,
    PARTS,
    PLAYER_FIELDS,
    WORDS,
    Component,
    RunConfig,
)


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One value of a config: its dotted path, its value, its kind and whether it is the default."""

    path: str
    value: Any
    kind: str
    default: bool


# Planning a run reads its leaves several times in a row, and seldom returns to an earlier run.
@functools.lru_cache(maxsize=4)
def leaves(config: RunConfig) -> tuple[Leaf, ...]:
    """Every leaf, in the order of the fields; an entry's options follow its name."""
    return tuple(_leaves(config))


def _leaves(config: RunConfig) -> Iterator[Leaf]:
    for name, field in FIELDS.items():
        value = getattr(config, name)
        kind = field.metadata["kind"]
        if config.players and name in PLAYER_FIELDS:
            for player in config.players:
                yield from _player_leaves(f"{name}.{player.name}", name, getattr(player, name))
        elif name == "regularization":
            yield Leaf(name, tuple(component.name for component in value), kind, not value)
            for component in value:
                yield from _option_leaves(
                    f"{name}.{component.name}",
                    REGULARIZERS.get(component.name),
                    component,
                    kind,
                )
        elif name in PARTS:
            # Blanked out in a program's config, where its lanes may differ.
            if not value.name:
                continue
            yield Leaf(name, value.name, kind, value.name == field.default.name)
            yield from _option_leaves(name, PARTS[name].get(value.name), value, kind)
        else:
            # A task's default, or the run's seed, that is written out must not change the run's id.
            defaults = (field.default, task_default(config.task, name))
            default = value in defaults or (name in FOLLOWING and value == config.seed)
            yield Leaf(name, value, kind, default)


def _player_leaves(path: str, name: str, value: Any) -> Iterator[Leaf]:
    """The leaves of a setting that belongs to one of several players. None is the default: the
    objective may name another, so each is part of the run's identity."""
    kind = FIELDS[name].metadata["kind"]
    if not isinstance(value, Component):
        yield Leaf(path, value, kind, default=False)
    elif value.name:
        yield Leaf(path, value.name, kind, default=False)
        yield from _option_leaves(path, PARTS[name].get(value.name), value, kind)


def task_default(task: str, name: str) -> Any:
    """The value of a field that is not set, in runs of this task."""
    if name not in DEFAULTS_OF_TASKS:
        return FIELDS[name].default
    defaults = TASKS.get(task).defaults if task != "auto" else {}
    return defaults.get(name, DEFAULTS_OF_TASKS[name])


# Most runs of a sweep share their components.
@functools.lru_cache(maxsize=4096)
def _option_leaves(prefix: str, entry: Entry, component: Component, kind: str) -> tuple[Leaf, ...]:
    option_leaves = []
    for name, value in component.options:
        option = entry.option(name)
        assert option is not None
        is_default = option.default is not REQUIRED and value == option.default
        option_kind = NUMERIC if option.numeric else kind
        option_leaves.append(Leaf(f"{prefix}.{name}", value, option_kind, is_default))
    return tuple(option_leaves)


def to_flags(config: RunConfig) -> dict[str, str]:
    """The config as text by path, defaults included. Records keep it, and `resolve` reads it."""
    texts: dict[str, str] = {}
    for leaf in leaves(config):
        texts[leaf.path] = format_value(leaf.value)
    texts["regularization"] = format_regularization(config.regularization)
    for name, (word, meaning) in WORDS.items():
        texts[name] = word if getattr(config, name) == meaning else texts[name]
    # The text of the list has the options of its members already.
    texts = {path: text for path, text in texts.items() if not path.startswith("regularization.")}
    if not isinstance(ARCHITECTURES.get(config.arch.name), HostEstimator):
        return texts
    # The loss says with which runs these are compared; nothing else of training applies.
    shown = (*FITTED_SETTINGS, "loss")
    return {path: text for path, text in texts.items() if path.partition(".")[0] in shown}


def format_regularization(members: tuple[Component, ...]) -> str:
    """The list as a flag takes it."""
    return ",".join(str(member) for member in members) or "none"


def non_default(config: RunConfig) -> dict[str, str]:
    """The flags of `to_flags` that are not the defaults."""
    texts = to_flags(config)
    changed = {leaf.path for leaf in leaves(config) if not leaf.default}
    return {path: text for path, text in texts.items() if path in changed}


def numeric(config: RunConfig) -> dict[str, float]:
    """The lane values that enter the program as arguments: numeric options of its components, and
    the learning rate."""
    return {
        leaf.path: float(leaf.value)
        for leaf in leaves(config)
        if leaf.kind == NUMERIC
        and isinstance(leaf.value, float)
        # A schedule's numbers make the table of factors, which the program reads instead.
        and not leaf.path.startswith("schedule.")
    }
