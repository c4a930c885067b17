"""Generated pairs of strings: sorting, reversing, and dates from how people write them to ISO
8601."""

import calendar
import datetime
import string
from typing import Annotated

import numpy as np

from research import rng
from research.data.data_table import Table
from research.data.features.feature import PADDING
from research.data.features.token_pair import TokenPair
from research.data.features.token_sequence import TokenSequence
from research.data.generated import Seed, generated
from research.data.text import encode
from research.options import Count, Range
from research.registry import DATASETS

# Raised when other rows are generated.
VERSION = "1.1.0"
START = ">"  # between a source and its answer
# After a source, or an answer, that is shorter than others.
BLANK = " "
# At the end of an answer that is stored apart from its source.
END = "."
LETTERS = string.ascii_lowercase
FIRST, DAYS = datetime.date(1970, 1, 1), 29_220  # to the end of 2049
# How a date is written; `%-d` is a day without a leading zero.
FORMATS = (
    "%-d %B %Y",
    "%B %-d, %Y",
    "%a %-d %b %Y",
    "%A, %B %-d, %Y",
    "%d/%m/%Y",
    "%-d.%-m.%Y",
    "%b %d %y",
)

# The international radiotelephony spelling alphabet.
_WORDS = """
    alfa bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar
    papa quebec romeo sierra tango uniform victor whiskey xray yankee zulu
"""
ALPHABET = _WORDS.split()

_UNITS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen
"""
UNITS = _UNITS.split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
TENS = _TENS.split()

SYMBOLS = "".join(
    sorted({*string.digits, *" ,-./", *"".join((*calendar.month_name, *calendar.day_name))})
)

Length = Annotated[Count, "letters of a string"]
Letters = Annotated[int, Range(2, 26), "size of the alphabet"]
Size = Annotated[Count, "pairs to train and validate on"]
Test = Annotated[Count, "pairs of the test set"]


def table(pairs: list[tuple[str, str]], symbols: str, test: int) -> Table:
    """Pairs of a source and an answer as tokens.

    An input is the source, a start sign and the answer without its last token; the target is
    nothing
    for the source, then the answer. Sources are filled up with blanks. An answer that is shorter
    than
    others ends with a blank, and has no targets after it.

    Args:
        pairs: sources and answers.
        symbols: the vocabulary, without the start sign.
        test: how many of the last pairs are the test set.
    """
    vocabulary = (*symbols, START)
    lengths = np.array([len(answer) for _, answer in pairs])
    width = max(len(source) for source, _ in pairs)
    length = int(lengths.max())
    x = "".join(source.ljust(width, BLANK) + START for source, _ in pairs)
    y = "".join(answer.ljust(length, BLANK) for _, answer in pairs)
    answers = encode(y, vocabulary, "answers").reshape(len(pairs), length)
    answers[np.arange(length) > lengths[:, None]] = PADDING
    targets = np.full((len(pairs), width + length), PADDING, np.int32)
    targets[:, width:] = answers
    given = encode(x, vocabulary, "sources").reshape(len(pairs), width + 1)
    return Table(
        np.concatenate([given, answers[:, :-1]], axis=1),
        targets,
        vocabulary,
        test_size=test,
        vocabulary=vocabulary,
        task="sequence_to_sequence",
        source=width,
        end=BLANK if lengths.min() < length else "",
    )


def paired(pairs: list[tuple[str, str]], test: int) -> Table:
    """Pairs of a source and an answer as two inputs, each over the symbols that it uses.

    The answer is one place late, behind a start sign; the target is the answer, with a final end
    sign, and nothing after it.

    Args:
        pairs: sources and answers.
        test: how many of the last pairs are the test set.
    """
    sources = [source for source, _ in pairs]
    answers = [f"{answer}{END}" for _, answer in pairs]
    asked = tuple(sorted({*"".join(sources)}))
    symbols = (*sorted({*"".join(answers)}), START)
    targets, given = _tokens(answers, symbols), _tokens(sources, asked)
    started = np.pad(targets[:, :-1], ((0, 0), (1, 0)), constant_values=symbols.index(START))
    steps = (given.shape[1], targets.shape[1])
    inputs = TokenPair(
        (sum(steps),),
        asked=TokenSequence(steps[:1], asked),
        answered=TokenSequence(steps[1:], symbols, end=END),
    )
    return Table(
        {"source": given, "answer": started},
        targets,
        symbols,
        test_size=test,
        task="sequence_to_sequence",
        inputs=inputs,
    )


def _tokens(texts: list[str], vocabulary: tuple[str, ...]) -> np.ndarray:
    """Tokens int32 [N, T], with PADDING after the end of each text."""
    length = max(map(len, texts))
    tokens = np.full((len(texts), length), PADDING, np.int32)
    for row, text in zip(tokens, texts, strict=True):
        row[: len(text)] = encode(text, vocabulary, "texts")
    return tokens


def _strings(name: str, length: int, letters: int, size: int, test: int, seed: int) -> list[str]:
    drawn = rng.host(seed, name).integers(0, letters, (size + test, length))
    return ["".join(row) for row in np.array(list(LETTERS))[drawn]]


def sort_strings(
    length: Length = 10,
    letters: Letters = 26,
    size: Size = 20_000,
    test: Test = 2_000,
    seed: Seed = 0,
) -> Table:
    """A string of random letters; the answer is the same letters in alphabetical order.

    Args:
        length: letters of a string.
        letters: size of the alphabet.
        size: pairs to train and validate on.
        test: pairs of the test set.
        seed: seed of the letters.

    Example:
        >>> table = sort_strings(length=5, letters=26, size=1, test=0, seed=0)
        >>> "".join(table.vocabulary[token] for token in table.x[0])  # source > answer
        'zibip>biip'
    """
    strings = _strings("sort_strings", length, letters, size, test, seed)
    return table([(s, "".join(sorted(s))) for s in strings], LETTERS[:letters], test)


def reverse_strings(
    length: Length = 10,
    letters: Letters = 26,
    size: Size = 20_000,
    test: Test = 2_000,
    seed: Seed = 0,
) -> Table:
    """A string of random letters; the answer is the same letters backwards.

    Args:
        length: letters of a string.
        letters: size of the alphabet.
        size: pairs to train and validate on.
        test: pairs of the test set.
        seed: seed of the letters.

    Example:
        >>> table = reverse_strings(length=5, letters=26, size=1, test=0, seed=0)
        >>> "".join(table.vocabulary[token] for token in table.x[0])  # source > answer
        'bserj>jres'
    """
    strings = _strings("reverse_strings", length, letters, size, test, seed)
    return table([(s, s[::-1]) for s in strings], LETTERS[:letters], test)


def spelled_letters(size: Size = 2_000, test: Test = 200, seed: Seed = 0) -> Table:
    """One letter; the answer is its word in the spelling alphabet: a class in, a sequence out.

    Letters of the test set are among the others.

    Args:
        size: pairs to train and validate on.
        test: pairs of the test set.
        seed: seed of the letters.

    Example:
        >>> table = spelled_letters(size=1, test=0, seed=0)
        >>> "".join(table.vocabulary[token] for token in table.x[0])  # source > answer
        'x>xra'
    """
    letters = rng.host(seed, "spelled_letters").integers(0, 26, size + test)
    return table([(LETTERS[i], ALPHABET[i]) for i in letters], LETTERS + BLANK, test)


def spelled_numbers(size: Size = 5_000, test: Test = 500, seed: Seed = 0) -> Table:
    """A whole number below a thousand; the answer is its name: two vocabularies, digits and
    letters.

    Numbers of the test set may be among the others.

    Args:
        size: pairs to train and validate on.
        test: pairs of the test set.
        seed: seed of the numbers.

    Example:
        >>> table = spelled_numbers(size=1, test=0, seed=0)
        >>> "".join(table.inputs.asked.vocabulary[token] for token in table.x["source"][0])
        '173'
        >>> "".join(table.classes[token] for token in table.y[0])
        'one hundred seventy three.'
    """
    numbers = rng.host(seed, "spelled_numbers").integers(0, 1000, size + test)
    return paired([(str(number), spelled(int(number))) for number in numbers], test)


def spelled(number: int) -> str:
    """The name of a whole number below a thousand.

    Example:
        >>> spelled(342), spelled(700), spelled(16)
        ('three hundred forty two', 'seven hundred', 'sixteen')
    """
    hundreds, rest = divmod(number, 100)
    tens, units = divmod(rest, 10)
    words = [UNITS[hundreds], "hundred"] if hundreds else []
    if rest < 20:
        words += [UNITS[rest]] if rest or not hundreds else []
    else:
        words += [TENS[tens - 2]] + ([UNITS[units]] if units else [])
    return " ".join(words)


def dates(size: Size = 20_000, test: Test = 2_000, seed: Seed = 0) -> Table:
    """A date from 1970 to 2049 in one of seven formats; the answer is in ISO 8601, such as
    2031-05-09.

    Dates of the test set may be among the others, in another format or the same.

    Args:
        size: pairs to train and validate on.
        test: pairs of the test set.
        seed: seed of dates and formats.

    Example:
        >>> table = dates(size=1, test=0, seed=0)
        >>> "".join(table.vocabulary[token] for token in table.x[0])  # source > answer
        'Dec 15 02>2002-12-1'
    """
    draw = rng.host(seed, "dates")
    days, formats = (draw.integers(0, most, size + test) for most in (DAYS, len(FORMATS)))
    pairs = []
    for day, written in zip(days, formats, strict=True):
        date = FIRST + datetime.timedelta(days=int(day))
        pairs.append((date.strftime(FORMATS[written]), date.isoformat()))
    return table(pairs, SYMBOLS, test)


for _load, _summary, _paper in (
    (
        sort_strings,
        "random letters; the answer is the same letters in order",
        "Vinyals et al. 2016",
    ),
    (reverse_strings, "random letters; the answer is the same letters backwards", ""),
    (spelled_letters, "a letter; the answer is its word in the spelling alphabet", ""),
    (
        spelled_numbers,
        "a number in digits; the answer is its name in letters, a vocabulary of its own",
        "",
    ),
    (
        dates,
        "dates as people write them; the answer is the date in ISO 8601, such as 2031-05-09",
        "",
    ),
):
    DATASETS.add(generated(_load, _summary, _paper, version=VERSION))
