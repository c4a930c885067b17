"""Lookalikes: names of categories or classes that a reader would take for one name."""

from collections.abc import Iterable, Iterator

from research.errors import appearance

# More names than these are no categories.
_MANY = 1000


def lookalikes(names: Iterable[str], what: str) -> Iterator[str]:
    """A note if some names differ only in case, blanks, unseen characters or how letters are
    composed.

    what: of what they are names, such as `column 'a'`.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(appearance(name), []).append(name)
    alike = [group for group in groups.values() if len(group) > 1]
    if alike and len(groups) <= _MANY:
        shown = " and ".join(f"'{name}'" for name in alike[0][:3])
        more = f", and {len(alike) - 1} more groups like these" if len(alike) > 1 else ""
        yield (
            f"{what}: {shown} look alike, but are read as different{more}; write them alike if they"
            " mean the same"
        )
