"""Components: the entries that a setting's text chooses, with their options: `adam(b1=0.8)`,
`dropout=0.5`."""

import functools
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from research import grammar
from research.errors import UserError, nearest
from research.options import REQUIRED
from research.registry import REGULARIZERS, Entry, Registry
from research.run_config import PARTS, Component


def component(
    name: str, registry: Registry[Any], text: Any, nested: dict[str, Any]
) -> tuple[Component, set[str]]:
    """One chosen entry with its options, and the nested settings that it does not have.

    Args:
        name: the setting.
        registry: has the entries.
        text: the setting's text, or a component.
        nested: options that are settings of their own, by name.
    """
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


def regularizers(
    text: Any, nested: Mapping[str, Any] = MappingProxyType({})
) -> tuple[Component, ...]:
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


def entry_and_options(registry: Registry[Any], text: str) -> tuple[str, dict[str, Any]]:
    """The entry that `adam`, `adam(b1=0.8)` or `chain(...)` names, and the options in the text."""
    name, bracket, _ = text.partition("(")
    # A family such as `chain(` has brackets of another grammar.
    if not bracket or name.strip() not in registry:
        return registry.parse_name(text)
    call = grammar.value(text)
    assert isinstance(call, grammar.Call)
    return call.name, _arguments(call, registry.get(call.name))


def regularizer_and_options(name: str | None, text: str) -> tuple[str, dict[str, Any]]:
    """One item of a list of regularizers, `dropout=0.5` or `elastic_net(l1=1e-4)`, as the
    regularizer and the options in the text."""
    call = grammar.value(text)
    if name is None and isinstance(call, str):
        REGULARIZERS.get(call)
        return call, {}
    if name is not None:
        entry = REGULARIZERS.get(name)
        if not entry.options:
            raise UserError(f"{name} takes no value; write regularization={name}")
        return name, {entry.options[0].name: text}
    assert isinstance(call, grammar.Call)
    return call.name, _arguments(call, REGULARIZERS.get(call.name))


def _arguments(call: grammar.Call, entry: Entry) -> dict[str, Any]:
    """The options that the brackets of `name(value, option=value, list=[1,2])` set, as text."""
    options: dict[str, Any] = {}
    named = False
    for position, (key, argument) in enumerate(call.arguments):
        if position >= len(entry.options):
            raise UserError(
                f"{call} has too many values; {call.name} has"
                f" {', '.join(option_names(entry)) or 'no options'}"
            )
        if key is None and named:
            raise UserError(
                f"{call}: '{argument}' follows a name=value; write it as name=value too,"
                " and a list as name=[1,2]"
            )
        named = named or key is not None
        key = key or entry.options[position].name
        if entry.option(key) is None:
            raise UserError(
                f"{call.name} has no option '{key}'; {nearest(key, option_names(entry))}"
            )
        if key in options:
            raise UserError(f"{call} sets '{key}' twice")
        # The brackets only keep a list's commas from separating options.
        options[key] = re.sub(r"^\[(.*)\]$", r"\1", str(argument))
    return options


def option_names(entry: Entry) -> list[str]:
    """The names of an entry's options."""
    return [option.name for option in entry.options]
