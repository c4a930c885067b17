"""Arms of an ensemble: `[arch=mlp,learning_rate=0.1 | arch=linear]`, settings beside the run's
own."""

import re
from collections.abc import Mapping
from typing import Any

from research import config as config_lib
from research import grammar
from research.errors import UserError
from research.options import format_value
from research.run_config import RunConfig

SEPARATOR = "|"


def arm_configs(config: RunConfig, arms: str) -> list[RunConfig]:
    """The config of each arm: that of the run, with the arm's settings.

    Args:
        config: of one run.
        arms: the settings of each arm, between `|`.

    Raises:
        UserError: an arm is no list of settings, or sets what nothing in it uses.
    """
    base = config_lib.to_flags(config)
    return [_arm(base, text) for text in grammar.split(arms, SEPARATOR)]


def _arm(base: Mapping[str, str], text: str) -> RunConfig:
    settings = config_lib.by_full_name(_settings(text))
    # Options of a part belong to the entry that the arm replaces.
    replaced = tuple(f"{name}." for name in settings if "." not in name)
    others = {path: value for path, value in base.items() if not path.startswith(replaced)}
    config, unused = config_lib.resolve({**others, **settings})
    if lost := sorted(unused & settings.keys()):
        raise UserError(f"the arm '{text}' sets {lost[0]}, which nothing in it uses; leave it out")
    if config.ensemble.name != "none":
        raise UserError(f"the arm '{text}' is an ensemble; an ensemble's arms are single runs")
    return config


def _settings(text: str) -> dict[str, str]:
    """The settings of an arm; "" is the run itself, which an arm of an experiment may be."""
    settings: dict[str, str] = {}
    for name, value in grammar.items(text) if text else ():
        if name is None:
            raise UserError(
                f"the arm '{value}' is neither a setting, as arch=mlp, nor the name of an arm of"
                " the experiment"
            )
        # The brackets only keep a list's commas from separating settings.
        settings[name] = re.sub(r"^\[(.*)\]$", r"\1", value)
    return settings


def written(settings: Mapping[str, Any]) -> str:
    """Settings as the text of an arm.

    Example:
        >>> written({"arch": "mlp", "arch.hidden": "64,64"})
        'arch=mlp,arch.hidden=[64,64]'
    """
    texts = {name: format_value(value) for name, value in settings.items()}
    bracketed = {name: f"[{text}]" if "," in text else text for name, text in texts.items()}
    return ",".join(f"{name}={text}" for name, text in bracketed.items())


def with_named_arms(settings: Mapping[str, Any], arms: Mapping[str, Mapping[str, Any]]) -> Any:
    """The settings with the names of arms in the text of an ensemble, as
    `vote(arms=[MLP, linear])`, replaced by what these arms change.

    Args:
        settings: of an arm.
        arms: those of the experiment, by name.
    """
    call = grammar.value(str(settings.get("ensemble")))
    if not isinstance(call, grammar.Call):
        return settings
    arguments = tuple((name, _with_changes(name, value, arms)) for name, value in call.arguments)
    if arguments == call.arguments:
        return settings
    return {**settings, "ensemble": str(grammar.Call(call.name, arguments))}


def _with_changes(
    name: str | None, value: str | grammar.Call, arms: Mapping[str, Mapping[str, Any]]
) -> str | grammar.Call:
    """An argument of an ensemble, with the arms that it names replaced by what they change."""
    if name not in (None, "arms") or not isinstance(value, str) or not value.startswith("["):
        return value
    inside = value.removeprefix("[").removesuffix("]")
    labels = grammar.split(inside, SEPARATOR if SEPARATOR in inside else ",")
    if not any(label in arms for label in labels):
        return value
    texts = [written(arms[label]) if label in arms else label for label in labels]
    return f"[{SEPARATOR.join(texts)}]"
