"""Errors of the user's input: one line that says what was wrong and what would be right."""

import difflib
from collections.abc import Iterable

# A message lists at most this many names.
MOST = 40


class UserError(Exception):
    """Bad input (flag, config, file, record). Launchers print it as one line and exit with 2."""


class Stopped(Exception):
    """The user, or the cluster, asked to stop; what was under way is saved. Its text says what for."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of an error message: the known names nearest to `word`, else all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    if len(names) > MOST:
        return f"there are {len(names)}, from {names[0]} to {names[-1]}"
    return f"known: {', '.join(names)}" if names else "there are none"
