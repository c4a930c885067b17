"""Chains that the user writes: `chain(clip_by_global_norm(1.0), scale_by_adam(b1=0.9))`, parsed,
never eval'ed.

The members are optax's transformations without a learning rate (optax_transformations.py); the
engine appends the learning rate and the sign. `add_decayed_weights` decays kernels only, as all
weight decay here.

A chain's name is its canonical text: the members and the settings that shape the program, without
the numbers. Each number of each member is a numeric option, `scale_by_adam.b1`, with optax's
default where it has one; the second member of a name is `clip_2`. So chains that differ only in
numbers are one optimizer and share a program.
"""

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Any

import optax

from research import grammar
from research.errors import UserError
from research.optim.optax_transformations import Transformation, find
from research.options import REQUIRED, Option, format_value
from research.registry import OPTIMIZERS, Optimizer


@dataclasses.dataclass(frozen=True)
class Link:
    """A member in its place: `key` is its name, numbered from the second of that name on; `values`
    are as written."""

    key: str
    member: Transformation
    values: Mapping[str, Any]

    def __str__(self) -> str:
        """The canonical text: settings that differ from their defaults, no numbers."""
        settings = [
            f"{o.name}={format_value(self.values[o.name])}"
            for o in self.member.settings
            if self.values.get(o.name, o.default) != o.default
        ]
        return self.member.name + (f"({','.join(settings)})" if settings else "")

    def build(self, numbers: Mapping[str, Any]) -> optax.GradientTransformation:
        """The transformation; `numbers` are by option name, those left out are as written or
        optax's default.

        Raises UserError where there is neither.
        """
        given = {
            o.name: numbers[self.path(o)] for o in self.member.numbers if self.path(o) in numbers
        }
        values = {**self.values, **given}
        for o in self.member.numbers + self.member.settings:
            if o.default is REQUIRED and o.name not in values:
                raise UserError(
                    f"{self.key} needs a value of '{o.name}'; write"
                    f" {self.member.name}({o.name}=1.0)"
                )
        return self.member.build(**values)

    def path(self, number: Option) -> str:
        """The number's name among the options of the chain."""
        return f"{self.key}.{number.name}"


def parse_chain(text: str) -> tuple[str, dict[str, float]]:
    """The canonical name of a chain, which OPTIMIZERS resolves, and the numbers written in it, by
    option name.

    `chain(clip(0.5), scale_by_adam(b1=0.8, nesterov=true))` gives
    `chain(clip,scale_by_adam(nesterov=true))` and {"clip.max_delta": 0.5, "scale_by_adam.b1": 0.8}.
    Raises UserError.
    """
    links = _links(text)
    numbers = {
        link.path(number): link.values[number.name]
        for link in links
        for number in link.member.numbers
        if number.name in link.values
    }
    return f"chain({','.join(map(str, links))})", numbers


# Equal texts must give one object: entries are compared by identity, as keys of caches too.
@functools.cache
def resolve(text: str) -> Optimizer:
    """The optimizer of a chain, named canonically; numbers written in the text become defaults.
    Raises UserError."""
    name, written = parse_chain(text)
    links = _links(text)
    options = tuple(
        dataclasses.replace(
            number,
            # The path, not the name, since two members may have a number of the same name.
            name=link.path(number),
            default=written.get(link.path(number), number.default),
            help=f"optax.{link.member.name}'s {number.name}",
        )
        for link in links
        for number in link.member.numbers
    )
    summary = f"optax: {', '.join(link.member.name for link in links)}"
    build = functools.partial(_build, links)
    version = max(link.member.version for link in links)
    return Optimizer(name=name, build=build, summary=summary, options=options, version=version)


def _build(links: tuple[Link, ...], **numbers: Any) -> optax.GradientTransformation:
    return optax.chain(*(link.build(numbers) for link in links))


def _links(text: str) -> tuple[Link, ...]:
    """The members of a chain in order."""
    call = grammar.value(text)
    if not isinstance(call, grammar.Call) or call.name != "chain":
        raise UserError(
            f"'{text}' is not a chain; write chain(clip_by_global_norm(1.0), scale_by_adam(b1=0.9))"
        )
    counts: dict[str, int] = {}
    links = []
    for item in _flatten(call):
        member = find(item.name)
        # The first of a name has no number, so that adding a second renames no option.
        count = counts[member.name] = counts.get(member.name, 0) + 1
        key = member.name if count == 1 else f"{member.name}_{count}"
        links.append(Link(key, member, _values(item, member, key)))
    if not links:
        raise UserError(
            f"'{text}' has no members; write chain(scale_by_adam()), or chain(identity) for plain"
            " descent"
        )
    return tuple(links)


def _flatten(chain: grammar.Call) -> Iterator[grammar.Call]:
    """The members' calls; chains inside chains are laid out, a bare name is a call without
    arguments."""
    for keyword, item in chain.arguments:
        if keyword:
            raise UserError(
                f"'{keyword}={item}' is not a member of a chain; write members as name(argument,"
                " ...)"
            )
        call = grammar.Call(item) if isinstance(item, str) else item
        if call.name == "chain":
            yield from _flatten(call)
        else:
            yield call


def _values(call: grammar.Call, member: Transformation, key: str) -> dict[str, Any]:
    """What is written in a member's brackets, checked, by parameter name."""
    values: dict[str, Any] = {}
    for index, (keyword, text) in enumerate(call.arguments):
        if keyword is None and index >= len(member.positional):
            takes = (
                f"at most {', '.join(member.positional)}" if member.positional else "no arguments"
            )
            raise UserError(
                f"{key}: '{text}' is one argument too many; {member.name} takes {takes}"
            )
        # Python's own rule; otherwise it would be unclear which parameter a position means.
        if keyword is None and any(earlier for earlier, _ in call.arguments[:index]):
            raise UserError(f"{key}: '{text}' follows a name=value; write it as name=value too")
        name = keyword or member.positional[index]
        if name in values:
            raise UserError(f"{key} sets '{name}' twice")
        values[name] = member.option(name).parse(str(text), f"{key}.{name}")
    return values


OPTIMIZERS.add_family("chain(", resolve, parse_chain)
