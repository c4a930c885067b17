"""Text: windows without copies, stretches that a split cuts, vocabularies, and tiny_shakespeare's
own parts."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest

from research.data import stretches, text
from research.data.features.feature import PADDING
from research.data.features.image import Image
from research.data.features.label import Label
from research.data.source import open_source
from research.data.spec import DataSpec, Source
from research.data.split import parse_split, split_of, split_sizes
from research.data.windows import Windows
from research.errors import UserError

TEXT = "to be, or not to be: that is the question.\n" * 5  # 215 characters


def opened(tmp_path: Path, written: str = TEXT, context: int = 8) -> Source:
    file = tmp_path / "own.txt"
    file.write_bytes(written.encode())
    return open_source(
        f"text:{file}", {"context": context}, data_dir=None, cache_dir=str(tmp_path / "cache")
    )


def test_a_window_is_a_stretch_and_its_target_the_next_characters(tmp_path):
    source = opened(tmp_path)
    spec, (x, y, own_test, *_) = source.spec, source.arrays()
    assert (spec.task, spec.inputs.shape, spec.targets.shape, spec.name) == (
        "language_model",
        (8,),
        (8,),
        "text:own.txt",
    )
    assert spec.inputs.tokens.vocabulary == spec.targets.classes == tuple(sorted(set(TEXT)))
    assert x.shape == y.shape == (215 - 8, 8)
    assert x.dtype == np.int32
    assert not len(own_test)
    for row in (0, 17, 206):
        assert text.decode(x[np.array(row)], spec.inputs.tokens.vocabulary) == TEXT[row : row + 8]
        assert (
            text.decode(y[np.array(row)], spec.inputs.tokens.vocabulary) == TEXT[row + 1 : row + 9]
        )
    rows = np.array([[3, 50], [7, 206]])
    assert x[rows].shape == (2, 2, 8)
    assert text.decode(x[rows][1, 1], spec.inputs.tokens.vocabulary) == TEXT[206:214]


def test_windows_store_the_sequence_alone():
    values = np.arange(1000, dtype=np.int32)
    windows = Windows(values, 100, 900)
    assert windows.nbytes == values.nbytes
    assert np.shares_memory(windows.values, values)


def test_parts_are_stretches_and_no_window_crosses_them(tmp_path):
    """215 characters at 8:1:1 are 172, 21 and 22; at 9:1:0 193 and 22."""
    source = opened(tmp_path)
    for ratios, cuts in (
        ((8, 1, 1), (0, 172, 193, 215)),
        ((9, 1, 0), (0, 193, 215, 215)),
        ((9, 1), (0, 193, 193, 215)),
    ):
        parts = split_of(source.spec, source.arrays(), ratios, seed=0)
        train, validation, test = parts
        assert list(train) == list(range(cuts[1] - 8))
        assert list(validation) == list(range(cuts[1], cuts[2] - 8, 8))
        assert list(test) == list(range(cuts[2], cuts[3] - 8, 8))
        left = {}
        for name, (begin, end), windows in zip(
            ("validation", "test"), itertools.pairwise(cuts[1:]), parts[1:], strict=True
        ):
            foreseen = {place for window in windows for place in range(window + 1, window + 9)}
            left[name] = len(set(range(begin + 1, end)) - foreseen)
        assert stretches.left_out(source.spec, ratios) == {
            name: count for name, count in left.items() if count
        }
        assert split_sizes(source.spec, ratios) == tuple(map(len, parts))
        for rows, begin, end in zip(parts, cuts, cuts[1:], strict=False):
            read = rows[:, None] + np.arange(9) if len(rows) else np.array([[begin]])
            assert read.min() >= begin
            assert read.max() < max(end, begin + 1)
        for rows in (validation, test):
            assert (np.diff(rows) == 8).all()


def test_the_seed_draws_training_windows_and_nothing_else(tmp_path):
    source = opened(tmp_path)
    one, same, other = (
        split_of(source.spec, source.arrays(), (8, 1, 1), seed=s, train_size=40) for s in (1, 1, 2)
    )
    assert len(set(one.train)) == 40
    assert set(one.train) <= set(range(164))
    np.testing.assert_array_equal(one.train, same.train)
    assert (one.train != other.train).any()
    np.testing.assert_array_equal(one.validation, other.validation)
    assert split_sizes(source.spec, (8, 1, 1), 40)[0] == 40
    with pytest.raises(UserError, match="it must be 1 to 164"):
        split_sizes(source.spec, (8, 1, 1), 165)


def test_another_context_or_text_is_another_fingerprint(tmp_path):
    prints = {
        opened(tmp_path, *given).spec.fingerprint
        for given in ((TEXT, 8), (TEXT, 9), (TEXT + "!", 8))
    }
    assert len(prints) == 3
    assert opened(tmp_path).spec.fingerprint in prints


@pytest.mark.parametrize(
    ("written", "ratios", "message"),
    [
        ("short", "8:1:1", "5 characters, too few for a window of context=8"),
        (TEXT[:40], "8:1:1", "a part of 4 positions, too few for a window of context=8"),
    ],
)
def test_what_is_too_short(tmp_path, written, ratios, message):
    with pytest.raises(UserError, match=message):
        split_sizes(opened(tmp_path, written).spec, parse_split(ratios))


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        open_source(f"text:{tmp_path}/none.txt", {}, data_dir=None, cache_dir=str(tmp_path))
    with pytest.raises(UserError, match="names no file"):
        open_source("text:", {}, data_dir=None, cache_dir=str(tmp_path))
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    with pytest.raises(UserError, match="UTF-8"):
        open_source(f"text:{tmp_path}/latin.txt", {}, data_dir=None, cache_dir=str(tmp_path))


def test_another_text_is_read_with_the_vocabulary_of_the_first(tmp_path):
    spec = opened(tmp_path).spec
    (tmp_path / "other.txt").write_text(
        "that is not the question"
    )  # 24 characters: two windows of 8 and the next
    windows, rows, y = text.read_like(tmp_path / "other.txt", spec)
    assert list(rows) == [0, 8, 15]
    assert text.decode(windows[rows][2], spec.inputs.tokens.vocabulary) == "questio"[-8:].rjust(8)
    assert text.decode(y[1], spec.inputs.tokens.vocabulary) == "ot the q"
    assert list(y[2] == PADDING) == [True] + [False] * 7
    assert text.decode(y[y != PADDING], spec.inputs.tokens.vocabulary) == "hat is not the question"
    (tmp_path / "odd.txt").write_text("that is the question\nor is it ß?")
    with pytest.raises(
        UserError, match=r"odd\.txt, line 2: the symbol 'ß' is not in the vocabulary of 17 symbols"
    ):
        text.read_like(tmp_path / "odd.txt", spec)


def test_tiny_shakespeare_keeps_its_parts(tmp_path):
    directory = Path(
        os.environ.get(
            "TFDS_DATA_DIR", Path(__file__).parents[2] / ".." / "shared" / "tensorflow_datasets"
        )
    )
    if not (directory / "tiny_shakespeare").is_dir():
        pytest.skip(
            f"tiny_shakespeare is not prepared in {directory}; set TFDS_DATA_DIR to run this test"
        )
    source = open_source("tiny_shakespeare", {}, data_dir=str(directory), cache_dir=str(tmp_path))
    spec = source.spec
    assert (len(spec.inputs.tokens.vocabulary), spec.size + 64) == (65, 1_115_394)
    assert split_sizes(spec, (8, 1, 1)) == (1_003_854 - 64, 871, 871)
    assert split_sizes(spec, (9, 1, 0)) == (1_003_854 - 64, 1742, 0)
    begin = split_of(spec, source.arrays(), (9, 1, 0), seed=0).validation[0]
    assert text.decode(source.arrays().x[begin], spec.inputs.tokens.vocabulary).startswith(
        "?\n\nGREMIO:\nGood morrow"
    )
    with pytest.raises(UserError, match="comes already split"):
        split_sizes(spec, (8, 2, 0))


def test_a_spec_without_tokens_is_as_it_was():
    spec = DataSpec(
        "x",
        "classification",
        Image((4, 4, 3), maximum=255.0),
        Label(names=("a", "b")),
        10,
        0,
        "f",
    )
    assert (spec.inputs.channels, spec.targets.stratified) == ((3,), True)
    assert (spec.inputs.tokens, spec.targets.shape) == (None, ())
