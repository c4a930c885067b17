"""Options: what a registry entry's settings are, read off the signature of its builder.

The annotation declares everything: a `float` is *numeric* (a lane value), anything else is *static*
(it shapes the program); `Annotated` adds a `Range`, a line of help, or the registry whose names are
allowed; `Literal` lists the allowed words.
"""

import dataclasses
import inspect
import math
import types
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Any

from research.class_weight import ClassWeight
from research.duration import Duration
from research.errors import UserError

REQUIRED = dataclasses.MISSING
_FLAX_FIELDS = {"parent", "name"}


@dataclasses.dataclass(frozen=True)
class Range:
    """Bounds of a number; each end can be excluded."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, number: float) -> bool:
        above = number > self.low if self.low_open else number >= self.low
        below = number < self.high if self.high_open else number <= self.high
        return above and below

    def __str__(self) -> str:
        if math.isinf(self.high):
            return f"{'>' if self.low_open else '>='} {_bound(self.low)}"
        left, right = "(" if self.low_open else "[", ")" if self.high_open else "]"
        return f"in {left}{_bound(self.low)}, {_bound(self.high)}{right}"


@dataclasses.dataclass(frozen=True)
class WholeRange(Range):
    """Whole numbers within the bounds."""

    def __contains__(self, number: float) -> bool:
        return super().__contains__(number) and number == int(number)

    def __str__(self) -> str:
        return f"a whole number {super().__str__()}"


def _bound(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else f"{number:g}"


# The ranges that most options have.
Probability = typing.Annotated[float, Range(0, 1, high_open=True)]
Fraction = typing.Annotated[float, Range(0, 1)]
Share = typing.Annotated[float, Range(0, 1, low_open=True)]
NonNegative = typing.Annotated[float, Range(0)]
Positive = typing.Annotated[float, Range(0, low_open=True)]
Count = typing.Annotated[int, Range(1)]
# Floats that count something: numeric options, in which lanes may differ, unlike `Count`.
WholeNumber = typing.Annotated[float, WholeRange(0)]
PositiveWhole = typing.Annotated[float, WholeRange(1)]


# Settings of a run: flag -> text or value.
Settings = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Option:
    """One setting: its name, type, default, allowed values, and whether lanes of a program may
    differ in it.

    shapes_program: a float that is static, since sizes depend on it.
    """

    name: str
    type: Any
    default: Any = REQUIRED
    range: Range | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False
    registry: Any = None
    help: str = ""
    shapes_program: bool = False

    @property
    def numeric(self) -> bool:
        """True if lanes of one program may differ in it."""
        return self.type is float and not self.shapes_program

    @property
    def readable(self) -> bool:
        """True if a flag's text can say it."""
        return self.type in _PARSERS

    def parse(self, text: Any, where: str) -> Any:
        """`text` (a flag's text or already a value) as a checked value. `where` names the flag in
        errors."""
        if self.optional and (text is None or text == "none"):
            return None
        parsed = _PARSERS[self.type](text, where)
        if self.choices and parsed not in self.choices:
            raise UserError(f"{where}={text}: allowed are {', '.join(self.choices)}")
        if self.registry is not None:
            self.registry.get(parsed)
        for number in parsed if isinstance(parsed, tuple) else (parsed,):
            if self.range is not None and number not in self.range:
                raise UserError(
                    f"{where}={format_value(number)} is out of range; it must be {self.range}"
                )
        return parsed


def options_of(builder: Callable[..., Any], given: Collection[str] = ()) -> tuple[Option, ...]:
    """The options of a builder: its parameters (or a flax module's fields), but for those the
    engine gives.

    A parameter without a default is an option that must be set.
    """
    hints = typing.get_type_hints(
        builder.__init__ if inspect.isclass(builder) else builder, include_extras=True
    )
    # A class's fields may be annotated in its bases, and __init__ need not have those annotations.
    if inspect.isclass(builder):
        hints = typing.get_type_hints(builder, include_extras=True) | hints
    options = []
    for parameter in inspect.signature(builder).parameters.values():
        if parameter.name in given or parameter.name in _FLAX_FIELDS:
            continue
        if parameter.name not in hints:
            raise UserError(
                f"{parameter} of {builder.__name__} lacks its type; write `{parameter.name}: float`"
            )
        default = REQUIRED if parameter.default is inspect.Parameter.empty else parameter.default
        options.append(option(parameter.name, hints[parameter.name], default))
    return tuple(options)


def option(name: str, hint: Any, default: Any) -> Option:
    """An Option from an annotation such as `Annotated[float, Range(0, 1), "what it is"]`.

    Args:
        name: the option's name.
        hint: the annotation.
        default: its default, or REQUIRED.
    """
    hint, *notes = _unwrap(hint)
    optional = False
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        (inner,) = [a for a in typing.get_args(hint) if a is not type(None)]
        hint, *inner_notes = _unwrap(inner)
        optional = True
        notes = [*inner_notes, *notes]
    choices: tuple[str, ...] = ()
    if typing.get_origin(hint) is typing.Literal:
        # Words are static: they choose a branch of the builder's Python code.
        hint, choices = str, typing.get_args(hint)
    elif typing.get_origin(hint) is tuple:
        inner, _ = typing.get_args(hint)
        inner, *inner_notes = _unwrap(inner)
        hint = tuple[inner, ...]  # type: ignore[valid-type]
        notes = [*inner_notes, *notes]
    bounds = next((n for n in notes if isinstance(n, Range)), None)
    registry = next((n for n in notes if hasattr(n, "names")), None)
    text = next((n for n in notes if isinstance(n, str)), "")
    # A signature may say 1 for 1.0; a default must equal what its text parses to.
    if hint is float and isinstance(default, int) and not isinstance(default, bool):
        default = float(default)
    return Option(name, hint, default, bounds, choices, optional, registry, text)


def _unwrap(hint: Any) -> list[Any]:
    """[the type, its notes...] of an annotation, nested Annotated flattened."""
    if typing.get_origin(hint) is typing.Annotated:
        inner, *notes = typing.get_args(hint)
        return [*_unwrap(inner), *notes]
    return [hint]


def format_value(value: Any) -> str:
    """A value as the text that parses back to it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # repr is the shortest text that parses back. Whole numbers have no point, up to where repr
        # turns to exponents.
        return repr(value) if value != int(value) or abs(value) >= 1e16 else str(int(value))
    if isinstance(value, tuple):
        return ",".join(format_value(v) for v in value)
    return str(value)


def _parse_bool(text: Any, where: str) -> bool:
    if isinstance(text, bool):
        return text
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if str(text).lower() not in words:
        raise UserError(f"{where}={text}: expected true or false")
    return words[str(text).lower()]


def _parse_int(text: Any, where: str) -> int:
    try:
        number = float(text)
        if not isinstance(text, bool) and number == int(number):
            # By its digits where it has only those: a float is exact only up to 2**53.
            return int(str(text)) if str(text).lstrip("+-").isdigit() else int(number)
    except (TypeError, ValueError, OverflowError):
        pass
    raise UserError(f"{where}={text}: expected a whole number")


def _parse_float(text: Any, where: str) -> float:
    try:
        number = float(text)
    except (TypeError, ValueError):
        number = math.nan
    # A bool is an int in Python, and a yes is no number.
    if not math.isfinite(number) or isinstance(text, bool):
        raise UserError(f"{where}={text}: expected a number")
    return number


def _parse_str(text: Any, where: str) -> str:
    return str(text)


def _parse_as(kind: type[Duration] | type[ClassWeight]) -> Callable[[Any, str], Any]:
    def parse(text: Any, where: str) -> Duration | ClassWeight:
        if isinstance(text, kind):
            return text
        try:
            return kind.parse(str(text))
        except UserError as error:
            raise UserError(f"{where}: {error}") from None

    return parse


def _parse_tuple(inner: Callable[[Any, str], Any]) -> Callable[[Any, str], tuple[Any, ...]]:
    def parse(text: Any, where: str) -> tuple[Any, ...]:
        if isinstance(text, tuple | list):
            return tuple(inner(item, where) for item in text)
        items = [item.strip() for item in str(text).split(",")] if text != "" else []
        if "" in items:
            raise UserError(f"{where}={text} has an empty item; separate items by single commas")
        return tuple(inner(item, where) for item in items)

    return parse


_PARSERS: dict[Any, Callable[[Any, str], Any]] = {
    bool: _parse_bool,
    int: _parse_int,
    float: _parse_float,
    str: _parse_str,
    Duration: _parse_as(Duration),
    ClassWeight: _parse_as(ClassWeight),
    tuple[int, ...]: _parse_tuple(_parse_int),
    tuple[float, ...]: _parse_tuple(_parse_float),
    tuple[str, ...]: _parse_tuple(_parse_str),
    tuple[Duration, ...]: _parse_tuple(_parse_as(Duration)),
}
