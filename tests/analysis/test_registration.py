"""Registration: written before the first run, never changed, and named in tables."""

import dataclasses
import json

import pytest

from research.analysis.registration import question, register, sentences
from research.errors import UserError
from research.identity import digest
from research.sweeps.column import Column
from research.sweeps.experiment import Experiment
from research.sweeps.records.store import Store

DECLARED = Experiment(
    "asked", "a summary", {"dataset": "digits"}, {"a": {}, "b": {"learning_rate": 0.2}},
    (Column("MSE", "test/mse", "lower", margin=0.1),), "a", seeds=6,
)  # fmt: skip


def test_a_table_says_that_it_was_registered_and_what_was_changed(tmp_path) -> None:
    store = Store(tmp_path)
    assert list(sentences(store, DECLARED)) == []
    digest = register(store, DECLARED, 0)
    assert register(store, dataclasses.replace(DECLARED, summary="other words"), 9) == digest
    (unchanged,) = sentences(store, DECLARED)
    assert unchanged.endswith(f"before its first run (digest {digest}), unchanged.")
    changed = dataclasses.replace(
        DECLARED,
        seeds=20,
        arms={"a": {}, "b": {"learning_rate": 0.3}, "c": {}},
        columns=(Column("MSE", "test/mse", "lower"),),
    )
    (sentence,) = sentences(store, changed)
    assert sentence.endswith("; since then changed: arms: b, c; columns; seeds: 6, now 20.")


def test_a_registration_from_before_a_field_existed_asks_the_same(tmp_path) -> None:
    store = Store(tmp_path)
    before = {key: value for key, value in question(DECLARED).items() if key != "datasets"}
    (tmp_path / "registered").mkdir()
    content = {"digest": digest(before), "date": "2026-01-01", "question": before}
    (tmp_path / "registered/asked.json").write_text(json.dumps(content))
    (sentence,) = sentences(store, DECLARED)
    assert sentence.endswith(", unchanged.")
    assert register(store, DECLARED, 9) == digest(before)
    widened = dataclasses.replace(DECLARED, base={}, datasets=("digits", "wine"))
    assert "datasets" in next(iter(sentences(store, widened)))


def test_a_registration_comes_first_and_stays(tmp_path) -> None:
    store = Store(tmp_path)
    with pytest.raises(UserError, match="3 runs of 'asked' have records already"):
        register(store, DECLARED, 3)
    register(store, dataclasses.replace(DECLARED, until="decided"), 0)
    with pytest.raises(UserError, match="with seeds: until decided, now 6"):
        register(store, DECLARED, 0)


@pytest.mark.parametrize("damage", ["cut", "edited"])
def test_a_damaged_registration_is_named(tmp_path, damage) -> None:
    store = Store(tmp_path)
    register(store, DECLARED, 0)
    (file,) = tmp_path.glob("registered/*.json")
    text = file.read_text()
    content = json.loads(text)
    content["question"]["seeds"] = 20
    file.write_text(text[:50] if damage == "cut" else json.dumps(content))
    with pytest.raises(UserError, match=r"asked\.json is damaged"):
        list(sentences(store, DECLARED))
