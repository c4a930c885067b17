"""Lookalikes: names of categories or classes that a reader would take for one name."""

from collections.abc import Callable, Iterable, Iterator

from research.errors import appearance

# More names than these are no categories.
_MANY = 1000
_TRUTH = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1", "1.0", "ja", "oui", "si", "sí"), "true"),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0", "0.0", "nein", "non"), "false"),
}


def lookalikes(names: Iterable[str], what: str) -> Iterator[str]:
    """Notes on names that may be one: that differ only in case, blanks, unseen characters or how
    letters are composed, that are the same number, or that say yes and true.

    what: of what they are names, such as `column 'a'`.
    """
    names = [*names]
    looks: dict[str, str] = {}
    for name in names:
        looks.setdefault(appearance(name), name)
    yield from _alike(names, what, appearance, "look alike")
    # Names that look alike are compared once, so that each is said once.
    different = [*looks.values()]
    yield from _alike(different, what, _number, "are the same number")
    if all(look in _TRUTH for look in looks):
        yield from _alike(different, what, lambda name: _TRUTH[appearance(name)], "may be the same")


def _alike(
    names: Iterable[str], what: str, key: Callable[[str], str], relation: str
) -> Iterator[str]:
    """A note if several names have one key, which is not "".

    Args:
        names: the different names.
        what: of what they are names.
        key: what names that may be one share.
        relation: how such names are related, in the note.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    groups.pop("", None)
    alike = [group for group in groups.values() if len(group) > 1]
    if alike and len(groups) <= _MANY:
        shown = " and ".join(f"'{name}'" for name in alike[0][:3])
        more = f", and {len(alike) - 1} more groups like these" if len(alike) > 1 else ""
        yield (
            f"{what}: {shown} {relation}, but are read as different{more}; write them alike if they"
            " mean the same"
        )


def _number(name: str) -> str:
    """The number that a name is, in one spelling; "" for a text."""
    try:
        return f"{float(name):.17g}"
    except ValueError:
        return ""
