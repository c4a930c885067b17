"""The settings of players: an optimizer, a learning rate and a schedule for each, where an
objective has more than one."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from research.components import component, entry_and_options
from research.registry import OBJECTIVES
from research.run_config import (
    FIELDS,
    OPTIONS,
    PARTS,
    PLAYER_FIELDS,
    Component,
    PlayerSettings,
    RunConfig,
)


def players_of(objective: Component) -> Sequence[Any]:
    """The players of an objective, as research.tasks.objectives.game has them."""
    game = OBJECTIVES.get(objective.name).build(**dict(objective.options))
    return tuple(game.players)


def player_settings(
    players: Sequence[Any],
    settings: Mapping[str, Any],
    nested: Mapping[str, Mapping[str, Any]],
) -> tuple[tuple[PlayerSettings, ...], set[str]]:
    """The settings of several players, and those with a dot that no player uses.

    `optimizer.critic` goes before `optimizer`, which players share, and that goes before what the
    objective says of the player. So do `learning_rate` and `schedule`.

    Args:
        players: the players.
        settings: flag -> text or value.
        nested: the settings with a dot, by the name before it.

    Raises:
        UserError: a value is wrong.
    """
    names = [player.name for player in players]
    used: set[str] = set()
    chosen = []
    for player in players:
        parts: dict[str, Any] = {}
        for field in ("optimizer", "schedule"):
            given = nested.get(field, {})
            path = f"{field}.{player.name}"
            options = {
                key.removeprefix(f"{player.name}."): (f"{field}.{key}", value)
                for key, value in given.items()
                if key.startswith(f"{player.name}.")
            }
            text = given.get(player.name)
            if text is None:
                shared = {key: value for key, value in given.items() if _owner(key) not in names}
                options = {key: (f"{field}.{key}", shared[key]) for key in shared} | options
                text, defaults = _shared(player, field, settings)
                options = {key: ("", value) for key, value in defaults.items()} | options
            values = {key: value for key, (_, value) in options.items()}
            parts[field], unknown = component(path, PARTS[field], text, values)
            used |= {path, *(options[key][0] for key in options if key not in unknown)}
        parts["learning_rate"] = _learning_rate(player, settings, nested)
        used.add(f"learning_rate.{player.name}")
        chosen.append(PlayerSettings(player.name, **parts))
    every = {f"{field}.{key}" for field in PLAYER_FIELDS for key in nested.get(field, {})}
    return tuple(chosen), every - used


def _owner(key: str) -> str:
    return key.partition(".")[0]


def _shared(player: Any, field: str, settings: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The text of a part that no flag gives to the player alone, and the options in the player's
    default, which flags may change."""
    if field in settings or not getattr(player, field):
        return settings.get(field, FIELDS[field].default), {}
    return entry_and_options(PARTS[field], getattr(player, field))


def _learning_rate(
    player: Any, settings: Mapping[str, Any], nested: Mapping[str, Mapping[str, Any]]
) -> float | None:
    """The player's learning rate; None for the task's default."""
    given = nested.get("learning_rate", {})
    path = f"learning_rate.{player.name}" if player.name in given else "learning_rate"
    rate = given.get(player.name, settings.get("learning_rate", player.learning_rate))
    return None if rate is None else OPTIONS["learning_rate"].parse(rate, path)


def views(config: RunConfig) -> Iterator[tuple[str, RunConfig]]:
    """(suffix of its settings, the config as the player has it) for each player.

    In a view the settings of the player stand in the fields that a config with one player has, so
    that checks of these fields serve both.
    """
    if not config.players:
        yield "", config
    for player in config.players:
        fields = {name: getattr(player, name) for name in PLAYER_FIELDS}
        yield f".{player.name}", dataclasses.replace(config, players=(), **fields)
