"""Text as windows of characters: `text:FILE` of the user's own, and tiny_shakespeare as TFDS has
prepared it."""

import codecs
import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np

from research.data import csv_text
from research.data.array_cache import digest, whole
from research.data.csv_advice import without_flags
from research.data.features.label import Label
from research.data.features.token_sequence import TokenSequence
from research.data.garbled import garbled
from research.data.spec import DataSpec, Source, windowed
from research.data.stretches import each_once
from research.data.tfds_prepared import find
from research.data.windows import Windowing, Windows
from research.errors import UserError
from research.options import Count, options_of
from research.registry import DATASETS, Entry

# Raised when the same text becomes other tokens.
VERSION = 1
# Words that are looked at for a wrong encoding, which shows in all of a text or in none.
MOST_LOOKED_AT = 10_000
Context = Annotated[Count, "characters per window; each predicts the next"]


def open_text(path: str, *, data_dir: str | None, cache_dir: str, context: Context = 64) -> Source:
    """A text file in UTF-8, one token per character.

    Args:
        path: the file.
        data_dir: not used.
        cache_dir: where the tokens are kept.
        context: characters per window; each predicts the next.

    Raises:
        UserError: the file cannot be read or is shorter than a window.
    """
    if not path:
        raise UserError("text: names no file; write --dataset=text:FILE")
    file = Path(path).expanduser()
    return _open([file], lambda: [read(file)], f"text:{file.name}", context, cache_dir)


def open_tiny_shakespeare(*, data_dir: str | None, cache_dir: str, context: Context = 64) -> Source:
    """Tiny Shakespeare with its own parts: 90 % to train, and two of 5 %.

    Example:
        >>> print(encode("to be", vocabulary=" beot", where="the text"))  # a token per character
        [4 3 0 1 2]
    """
    directory = find("tiny_shakespeare", data_dir)
    # The shards are numbered, and the text continues from one to the next.
    files = sorted(directory.glob("*.array_record-*"))
    return _open(files, lambda: _prepared(directory), "tiny_shakespeare", context, cache_dir)


def _open(
    files: list[Path], texts: Callable[[], list[str]], name: str, context: int, cache_dir: str
) -> Source:
    """The source of a text in one part, or in its own train, validation and test parts."""
    try:
        # Only texts with a mark were once read in another way.
        unmarked = ["unmarked"] * any(map(_has_mark, files))
        directory = Path(cache_dir) / "arrays" / f"text_{digest([VERSION, *files, *unmarked])}"
    except OSError as error:
        raise UserError(f"{name}: {error.strerror}; expected a text file") from None
    if not (directory / "text.json").exists():
        parts = texts()
        text = "".join(parts)
        # Sorted by code point: a set has another order in each process.
        vocabulary = tuple(sorted(set(text)))
        with whole(directory) as partial:
            np.save(partial / "x.npy", encode(text, vocabulary, name))
            known = {
                "vocabulary": vocabulary,
                "parts": [len(part) for part in parts],
                "notes": [*garbled(_foreign_words(text), "its text")],
            }
            (partial / "text.json").write_text(json.dumps(known))
    known = json.loads((directory / "text.json").read_text())
    length = sum(known["parts"])
    vocabulary = tuple(known["vocabulary"])
    if len(vocabulary) == 1:
        raise UserError(
            f"{name} consists of one character, {vocabulary[0]!r}, and no other; nothing can"
            " be learned"
        )
    if length <= context:
        raise UserError(
            f"{name} has {length} characters, too few for a window of context={context} and the"
            " next one"
        )
    spec = DataSpec(
        name=name,
        task="language_model",
        inputs=TokenSequence((context,), vocabulary, even=True),
        targets=Label((context,), even=True, names=vocabulary),
        size=length - context,
        test_size=0,
        fingerprint=digest([directory.name, context]),
        # Copies of an earlier version have no notes.
        notes=tuple(known.get("notes", ())),
        windows=Windowing(parts=tuple(known["parts"]) if len(known["parts"]) > 1 else ()),
    )
    return Source(spec, directory)


def read(file: Path) -> str:
    """The text of a file, as it is but for a mark of its encoding. Raises UserError if it is
    none."""
    try:
        content = file.read_bytes()
        text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise UserError(f"{file} is in UTF-16; save it in UTF-8, such as by iconv") from None
        if content.startswith(csv_text.PACKED):
            raise UserError(f"{file} is packed; unpack it") from None
        with without_flags():
            raise csv_text.undecodable(file, "utf-8", error) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UserError(
            f"{file}, line {line}: it has a null character (a byte 0), so it is damaged, not"
            " a text, or UTF-16 without a mark; save it as UTF-8"
        )
    return text


def _foreign_words(text: str) -> list[str]:
    """The different ones of the first words with letters beyond ASCII."""
    words = (word for word in text.split() if not word.isascii())
    return [*dict.fromkeys(itertools.islice(words, MOST_LOOKED_AT))]


def _has_mark(file: Path) -> bool:
    """Whether a file begins with the mark of UTF-8, which is no character of its text."""
    with file.open("rb") as content:
        return content.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8


def read_like(file: Path, spec: DataSpec) -> tuple[Windows, np.ndarray, np.ndarray]:
    """Another text's windows, their rows [R] and targets [R, T], in which each symbol but the first
    is once.

    Raises UserError if the vocabulary of `spec` lacks one of its symbols, or it is shorter than a
    window.
    """
    tokens = encode(read(file), spec.inputs.tokens.vocabulary, str(file))
    context = spec.inputs.shape[0]
    if len(tokens) <= context:
        count = "1 character" if len(tokens) == 1 else f"{len(tokens)} characters"
        raise UserError(f"{file} has {count}, too few for a window of {context} and the next one")
    arrays = windowed(tokens, context)
    return arrays.x, *each_once(arrays, [len(tokens)])


def encode(text: str, vocabulary: Sequence[str], where: str) -> np.ndarray:
    """Each character's number in the vocabulary, int32 [M].

    Args:
        text: M characters.
        vocabulary: the known symbols.
        where: names the text in messages.

    Raises:
        UserError: a character is not in the vocabulary; the message names it and its line.
    """
    place = {symbol: number for number, symbol in enumerate(vocabulary)}
    # Checked before the encoding, so that the error can name the line.
    unknown = next((symbol for symbol in text if symbol not in place), None)
    if unknown is not None:
        line = text[: text.index(unknown)].count("\n") + 1
        if unknown == "\r":
            raise UserError(
                f"{where}, line {line} ends with a carriage return, and those of the run's own text"
                " do not; save it with line feeds alone"
            )
        raise UserError(
            f"{where}, line {line}: the symbol {unknown!r} is not in the vocabulary of"
            f" {len(vocabulary)} symbols: {''.join(vocabulary)!r}"
        )
    return np.fromiter((place[symbol] for symbol in text), np.int32, len(text))


def decode(tokens: Sequence[int] | np.ndarray, vocabulary: Sequence[str]) -> str:
    """What `encode` made tokens of."""
    return "".join(vocabulary[token] for token in tokens)


def _prepared(directory: Path) -> list[str]:
    """The texts of a prepared set's train, validation and test splits."""
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder_from_directory(str(directory))
        splits = [builder.as_data_source(split) for split in ("train", "validation", "test")]
        return [
            "".join(itertools.chain(example["text"].decode("utf-8") for example in split))
            for split in splits
        ]
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise UserError(
            f"the prepared data set in {directory} cannot be read: {' '.join(str(error).split())}"
        ) from None


DATASETS.add_family(
    "text:",
    example=Entry(
        "text:FILE",
        open_text,
        "a text file, character by character; the next one is predicted",
        options=options_of(open_text, given={"path", "data_dir", "cache_dir"}),
    ),
)
DATASETS.add(
    Entry(
        "tiny_shakespeare",
        open_tiny_shakespeare,
        "1,115,394 characters of Shakespeare, 65 symbols; the next one is predicted; prepared with"
        " TFDS",
        "Karpathy, The unreasonable effectiveness of recurrent neural networks, 2015",
        options=options_of(open_tiny_shakespeare, given={"data_dir", "cache_dir"}),
    )
)
