"""Errors of the user's input: one line that says what was wrong and what would be right."""

import difflib
import traceback
import unicodedata
from collections.abc import Iterable, Sequence

# A message lists at most this many names.
MOST = 40
# Cyrillic and Greek letters that look like a Latin one, and that one.
_LATIN = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u03bf\u03bd"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0391\u0392"
    "\u0395\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7",
    "aeopcyxijsovABEKMHOPCTXABEHIKMNOPTX",
)


class UserError(Exception):
    """Bad input (flag, config, file, record). Launchers print it as one line and exit with 2."""


class ShapeError(UserError):
    """Sizes that do not go together: of a batch, an image, a split, a network.

    It rules out the runs that have them and no others, so a sweep goes on without those runs. Other
    bad input is a mistake in the command, and refuses it as a whole.
    """


class Unknown(UserError):
    """A name that is not in the catalogue."""


class Stopped(Exception):
    """The user, or the cluster, asked to stop; what was under way is saved. Its text says what
    for."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of an error message: the known names nearest to `word`, else all of them."""
    names = sorted(known)
    alike = next((name for name in names if appearance(name) == appearance(word) != ""), word)
    if alike.casefold() != word.casefold():
        return f"did you mean {alike}, which looks alike ({alike!a}, not {word!a})?"
    if near := close(word, names):
        return f"did you mean {' or '.join(near)}?"
    if len(names) > MOST:
        return f"there are {len(names)}, from {names[0]} to {names[-1]}"
    return f"known: {', '.join(names)}" if names else "there are none"


def appearance(word: str) -> str:
    """What a reader sees of a word, whatever its capitals and however its letters are composed."""
    composed = unicodedata.normalize("NFKC", word).translate(_LATIN)
    seen = "".join(letter for letter in composed if unicodedata.category(letter) != "Cf")
    return " ".join(seen.split()).casefold()


def close(word: str, known: Iterable[str]) -> list[str]:
    """The known names that `word` may be meant for, at most three; capitals make no difference."""
    # Reversed, so that of two names that differ in capitals only the first one remains.
    by_folded = {name.casefold(): name for name in sorted(known, reverse=True)}
    if word.casefold() in by_folded:
        return [by_folded[word.casefold()]]
    matches = difflib.get_close_matches(word.casefold(), sorted(by_folded), n=3, cutoff=0.6)
    return [by_folded[match] for match in matches]


def blamed(error: BaseException, files: Sequence[str]) -> str:
    """Which line of these files brought an error about, and the error in a line; "" if none of them
    did."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files
    ]
    # The innermost of the user's frames: those below it are the library's. A syntax error has no
    # frame in the file, so it is read off the error itself.
    file, line = (frames[-1].filename, frames[-1].lineno) if frames else ("", None)
    if isinstance(error, SyntaxError) and error.filename in files:
        file = str(error.filename)
        line = error.lineno
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    first = next(iter(text.strip().splitlines()), "")
    return f"{file}, line {line}: {type(error).__name__}: {first}" if file else ""


def reason(error: BaseException) -> str:
    """The first line of an error's text, at most 200 characters; its class where there is none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
