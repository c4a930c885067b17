"""Words of messages."""


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "run"), plural(1200, "run")
    ('1 run', '1,200 runs')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def first_sentence(text: str) -> str:
    r"""The first lines of a docstring, up to one that ends in a full stop or to a blank one.

    >>> first_sentence("One sentence on\n    two lines.\n    More.")
    'One sentence on two lines.'
    """
    lines: list[str] = []
    for line in text.strip().splitlines():
        if not line.strip():
            break
        lines.append(line.strip())
        # Only at the end of a line: a full stop within one may be an abbreviation's.
        if line.endswith("."):
            break
    return " ".join(lines)
