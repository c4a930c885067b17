"""What a decorator reads off the function or class that it decorates: name, summary, options; and
what it checks."""

import functools
import inspect
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar, cast

from research.errors import UserError, nearest
from research.options import REQUIRED, Option, options_of
from research.words import first_sentence

Builder = TypeVar("Builder", bound=Callable[..., Any])
# Keywords that had another name once. Plugins that use it still load.
OLD_KEYWORDS = {
    "tiny": "test_options",
    "asks": "needs_facts",
    "mixes": "mixes_examples",
    "offset": "has_bias",
    "features": "takes",
}
# What an architecture took once by the number of axes of an example.
_OF_RANK = {1: ("table", "series"), 2: ("series",), 3: ("image",)}


def accepts_old_keywords(function: Builder) -> Builder:
    """The decorator, which also takes its keywords by their old names."""

    @functools.wraps(function)
    def accepting(*arguments: Any, **options: Any) -> Any:
        renamed = {OLD_KEYWORDS.get(name, name): value for name, value in options.items()}
        if ranks := renamed.pop("inputs", ()):
            kinds = (kind for rank in ranks for kind in _OF_RANK.get(rank, ("numbers",)))
            facts = renamed.get("needs_facts", ())
            renamed["takes"] = tuple(dict.fromkeys((*kinds, *_kinds_of_facts(facts))))
        return function(*arguments, **renamed)

    return cast(Builder, accepting)


def takes_by_default(facts: Collection[str]) -> tuple[str, ...]:
    """What an architecture takes that does not say it: numbers of any shape, and what the facts
    that it needs are about."""
    return ("numbers", *_kinds_of_facts(facts))


def _kinds_of_facts(facts: Collection[str]) -> tuple[str, ...]:
    kinds = {"vocabulary": "tokens", "padded": "padded series"}
    return tuple(kind for fact, kind in kinds.items() if fact in facts)


def answers_by_default(takes: Collection[str], facts: Collection[str]) -> tuple[str, ...]:
    """What an architecture answers that does not say it: by `per_step` also the places of its
    inputs, steps of a sequence or pixels of an image."""
    if "per_step" not in facts:
        return ("example",)
    if set(takes) == {"image"}:
        return ("example", "pixel")
    images = not takes or {"image", "numbers"} & set(takes)
    return ("example", "step", *(("pixel",) if images and "vocabulary" not in facts else ()))


def decorator(add: Callable[[Builder], Builder], function: Any) -> Any:
    """What a decorator returns; `function` is what it decorates where it is written without
    parentheses. Raises UserError for a text in its place."""
    if isinstance(function, str):
        raise UserError(
            f"a decorator takes no text; write '{function}' as the docstring of what it decorates"
        )
    return add if function is None else add(function)


def returning(build: Callable[..., Any], check: Callable[..., Any], **to: Any) -> Any:
    """The function, whose result is checked by `check`."""

    # Options are read off the signature and the annotations, which wraps keeps.
    @functools.wraps(build)
    def built(*arguments: Any, **options: Any) -> Any:
        return check(build.__name__, build(*arguments, **options), **to)

    return built


def options_in(build: Callable[..., Any], given: Collection[str] = ()) -> tuple[Option, ...]:
    """The options of a builder. Raises UserError if one's own default is not a value that it may
    have."""
    options = options_of(build, given)
    for option in options:
        # A wrong default would otherwise fail only in the run that relies on it.
        if option.readable and option.default is not REQUIRED:
            option.parse(option.default, f"{build.__name__}: the default {option.name}")
    return options


def check_names(what: str, values: Mapping[str, Any], options: Sequence[Option]) -> None:
    """Refuses a name in `test_options` or `neutral` that is not an option.

    Args:
        what: names the values in messages.
        values: the values by option.
        options: the options that there are.

    Raises:
        UserError: a name is unknown.
    """
    names = [option.name for option in options]
    for name in values:
        if name not in names:
            raise UserError(
                f"{what} has '{name}', which is not an option;"
                f" {nearest(name, names) if names else 'it has none'}"
            )


def check_test_options(
    decorator: str, test_options: Mapping[str, Any] | None, options: Sequence[Option]
) -> None:
    """Refuses `test_options` that name no option, or lack an option without a default.

    Args:
        decorator: the decorator's name, for messages.
        test_options: the values that tests use.
        options: the options that there are.

    Raises:
        UserError: a name is unknown or missing.
    """
    check_names("test_options", test_options or {}, options)
    for option in options:
        if option.default is REQUIRED and option.name not in (test_options or {}):
            written = f"@{decorator}(test_options={{'{option.name}': ...}})"
            raise UserError(
                f"'{option.name}' has no default, so tests need a value; write {written}"
            )


def defaults(options: Sequence[Option]) -> dict[str, Any]:
    """The options that have a default, with it."""
    return {option.name: option.default for option in options if option.default is not REQUIRED}


def snake(name: str) -> str:
    # A run of capitals stays one word: MyVGG is my_vgg.
    """The name as flags write it: MyNet is my_net."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def summary(build: Callable[..., Any]) -> str:
    """The first sentence of its docstring.

    Raises UserError if it has none, or only the one that Python derives from fields.
    """
    sentence = first_sentence(build.__doc__ or "")
    # A dataclass without a docstring gets its signature as one.
    if not sentence or (inspect.isclass(build) and sentence.startswith(f"{build.__name__}(")):
        raise UserError(
            f"{build.__name__} lacks a docstring; its first sentence is what launch.list says of it"
        )
    return sentence.rstrip(".")
