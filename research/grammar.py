"""The grammar that flags share: names, numbers, calls, and lists of them; parsed, never eval'ed.

    list  := item (',' item)*                     regularization=dropout=0.5,max_norm=2
    item  := [name '='] value                     b1=0.9
    value := atom | name '(' [list] ')'           chain(scale_by_adam(b1=0.9), clip(1.0))

`split` cuts a text at a separator that stands outside every bracket, for the levels above (axes are
values separated by `|`).
"""

import dataclasses
import re

from research.errors import UserError

_OPEN, _CLOSE = "([", ")]"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


@dataclasses.dataclass(frozen=True)
class Call:
    """`name(arguments)`; `arguments` pairs a keyword (or None) with the argument."""

    name: str
    arguments: tuple[tuple[str | None, "str | Call"], ...] = ()

    def __str__(self) -> str:
        inside = ",".join(f"{k}={v}" if k else str(v) for k, v in self.arguments)
        return f"{self.name}({inside})"


def split(text: str, separator: str) -> list[str]:
    """The parts of `text` between separators outside brackets, stripped. Raises on unbalanced
    brackets."""
    parts = []
    depth = 0
    start = 0
    for index, char in enumerate(text):
        if char in _OPEN:
            depth += 1
        elif char in _CLOSE:
            depth -= 1
        if depth < 0:
            raise UserError(
                f"'{text}' closes a bracket at character {index + 1} that was never opened"
            )
        if char == separator and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    if depth:
        raise UserError(
            f"'{text}' opens {depth} bracket{'s' if depth > 1 else ''} that it never closes"
        )
    return [*parts, text[start:].strip()]


def items(text: str) -> list[tuple[str | None, str]]:
    """A comma-separated list as (name, value) pairs; name is None where there is no `name=`."""
    pairs: list[tuple[str | None, str]] = []
    for item in split(text, ","):
        if not item:
            raise UserError(f"'{text}' has an empty item; separate items by single commas")
        # Outside brackets only: `chain(clip(b=1))` is a value and no assignment.
        name, *rest = split(item, "=")
        if not rest:
            pairs.append((None, item))
            continue
        # From the whole item, since the value may have further equals signs.
        value = item.split("=", 1)[1].strip()
        if not _NAME.fullmatch(name) or not value:
            raise UserError(f"'{item}' is not of the form name=value")
        pairs.append((name, value))
    return pairs


def value(text: str) -> "str | Call":
    """An atom as its text, or `name(...)` as a Call whose arguments are values themselves."""
    text = text.strip()
    # A list in brackets is an atom, whatever stands in it.
    if "(" not in text or text.startswith("["):
        return text
    name, _, rest = text.partition("(")
    name = name.strip()
    if not _NAME.fullmatch(name) or not rest.endswith(")"):
        split(text, ",")  # names the unbalanced bracket, where that is what is wrong
        raise UserError(f"'{text}' is not of the form name(argument, ...)")
    inside = rest[:-1].strip()
    split(inside, ",")
    return Call(name, tuple((key, value(item)) for key, item in items(inside)) if inside else ())
