"""Words of messages."""


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "run"), plural(1200, "run")
    ('1 run', '1,200 runs')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
