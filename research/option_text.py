"""Options that stand in the text of a setting: `adam(b1=0.8)`, `dropout=0.5`."""

import re
from typing import Any

from research import grammar
from research.errors import UserError, nearest
from research.registry import REGULARIZERS, Entry, Registry


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
