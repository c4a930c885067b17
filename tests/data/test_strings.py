"""Generated pairs of strings: the answers are right, and laid out as an encoder–decoder is
taught."""

import datetime
from pathlib import Path

import jax
import numpy as np
import pytest

from research.data.data_table import Table
from research.data.features.feature import PADDING
from research.data.features.token_pair import TokenPair
from research.data.strings import (
    FORMATS,
    dates,
    reverse_strings,
    sort_strings,
    spelled,
    spelled_letters,
)
from research.errors import UserError
from research.registry import ARCHITECTURES
from research.testing.few_steps import initial
from tests.support.engine import bundled


def pairs(table: Table) -> list[tuple[str, str]]:
    """Sources and answers, after what is before the answers has been checked."""
    names, width = np.array(table.vocabulary), table.source
    assert (table.y[:, :width] == PADDING).all()
    assert (names[table.x[:, width]] == ">").all()
    np.testing.assert_array_equal(table.x[:, width + 1 :], table.y[:, width:-1])  # one place late
    assert table.classes == table.vocabulary
    rows = zip(table.x[:, :width], table.y[:, width:], strict=True)
    return [("".join(names[x]), "".join(names[y[y != PADDING]])) for x, y in rows]


def test_strings() -> None:
    options = {"length": 6, "letters": 5, "size": 40, "test": 10, "seed": 3}
    for load, answer in (
        (sort_strings, lambda s: "".join(sorted(s))),
        (reverse_strings, lambda s: s[::-1]),
    ):
        made = pairs(load(**options))
        assert len(made) == 50
        assert all(given == answer(source) for source, given in made)
        assert {len(source) for source, _ in made} == {6}
        assert set("".join(source for source, _ in made)) == set("abcde")
        assert pairs(load(**options)) == made != pairs(load(**{**options, "seed": 4}))


def test_dates() -> None:
    made = pairs(dates(size=300, test=20, seed=0))
    used = set()
    for source, answer in made:
        date = datetime.date.fromisoformat(answer)
        assert 1970 <= date.year < 2050
        used |= {written for written in FORMATS if date.strftime(written) == source.strip()}
        assert source.strip() in {date.strftime(written) for written in FORMATS}
    assert used == set(FORMATS)


def test_a_letter_is_spelled() -> None:
    """A word that is shorter than the longest ends with one blank, and nothing is asked after
    it."""
    table = spelled_letters(size=300, test=20, seed=0)
    made = dict(pairs(table))
    assert (made["q"], made["x"], made["n"]) == ("quebec ", "xray ", "november")
    assert all(answer.startswith(letter) for letter, answer in made.items())
    assert (table.end, table.y.shape[1] - table.source) == (" ", 8)
    assert dates(size=30, test=2, seed=0).end == ""


@pytest.mark.parametrize("arch", ["transformer", "seq2seq", "gpt", "lstm"])
def test_they_are_what_these_networks_can_be_trained_on(
    tmp_path_factory: pytest.TempPathFactory, arch: str
) -> None:
    cache = str(tmp_path_factory.getbasetemp() / "strings")
    settings = {
        "dataset": "sort_strings",
        "dataset.length": 3,
        "dataset.size": 40,
        "dataset.test": 8,
        "arch": arch,
    }
    (run,) = bundled(cache).runs([{**settings, "batch_size": 8}])
    assert (
        run.config.task,
        run.program.spec.inputs.tokens.source,
        run.program.spec.inputs.shape,
    ) == (
        "sequence_to_sequence",
        3,
        (6,),
    )
    assert bundled(cache).source(run.config).arrays().y.shape == (48, 6)


def test_an_encoder_decoder_needs_a_source(tmp_path_factory: pytest.TempPathFactory) -> None:
    cache = str(tmp_path_factory.getbasetemp() / "strings")
    settings = {
        "dataset": "copy_memory",
        "dataset.length": 3,
        "dataset.size": 40,
        "dataset.test": 8,
    }
    takes = r"arch=transformer takes source \(tokens\) and answer \(tokens\)"
    with pytest.raises(UserError, match=rf"{takes}; copy_memory has tokens \[23\]; "):
        bundled(cache).runs([{**settings, "arch": "transformer"}])


@pytest.mark.parametrize("arch", ["seq2seq", "transformer"])
def test_pairs_with_two_vocabularies(arch: str, tmp_path: Path) -> None:
    """Digits in, letters out: each sequence has a table of vectors of its own width."""
    settings = {"dataset": "spelled_numbers", "dataset.size": 40, "dataset.test": 8}
    small = {f"arch.{k}": v for k, v in ARCHITECTURES.get(arch).test_options.items()}
    small |= {"arch.context": 32} if arch == "transformer" else {}
    planner = bundled(str(tmp_path))
    (run,) = planner.runs([{**settings, **small, "arch": arch, "batch_size": 8}])
    x, y, *_ = planner.arrays(run)
    pair = run.program.spec.inputs
    assert isinstance(pair, TokenPair)
    assert (len(x["source"]), x["answer"].shape) == (48, y.shape)
    # The answer so far is the target, a place late.
    np.testing.assert_array_equal(x["answer"][:, 1:], y[:, :-1])
    params = initial(run, planner.arrays(run))[1].params
    digits, letters = (len(part.vocabulary) for part in (pair.asked, pair.answered))
    assert digits <= 10 < letters
    assert digits in params["source_tokens"]["embedding"].shape
    assert any(letters in leaf.shape for leaf in jax.tree.leaves(params["tokens"]))


def test_names_of_numbers() -> None:
    names = [spelled(number) for number in (0, 7, 19, 40, 81, 100, 212, 999)]
    assert names == [
        "zero",
        "seven",
        "nineteen",
        "forty",
        "eighty one",
        "one hundred",
        "two hundred twelve",
        "nine hundred ninety nine",
    ]
