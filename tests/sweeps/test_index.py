"""The index: it says what the records say, opens each once, and is made again where it is missing
or wrong."""

import json
from pathlib import Path

import pytest

from research.sweeps.records import index
from research.sweeps.records.index import lines
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store

IDS = [f"{number:02x}" * 8 for number in range(4)]
DIED = "the process that trained it died of SIGKILL; its log logs/7_0_0_log.out ends with:\nKilled"
FAILED = "Traceback (most recent call last):\n  File ...\nValueError: no such thing"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    store.write(Record(IDS[0], "finished", {}, provenance={"seconds": 1.5}))
    store.write(Record(IDS[1], "failed", {}, error=FAILED))
    store.write(Record(IDS[3], "failed", {}, error=DIED))
    return store


def said(store: Store) -> dict[str, tuple]:
    return {
        run_id: (line.status, line.seconds, line.error, line.log)
        for run_id, line in lines(store, IDS).items()
    }


def test_it_says_what_the_records_say(store: Store) -> None:
    assert said(store) == {
        IDS[0]: ("finished", 1.5, "", ""),
        IDS[1]: ("failed", 0.0, "ValueError: no such thing", str(store.path(IDS[1]))),
        IDS[3]: ("failed", 0.0, DIED.splitlines()[0], "logs/7_0_0_log.out"),
    }


def test_a_record_is_opened_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = said(store)
    opened: list[str] = []
    parse = index.parse
    monkeypatch.setattr(
        index, "parse", lambda text, run_id: opened.append(text) or parse(text, run_id)
    )
    assert said(store) == before
    assert not opened
    store.write(Record(IDS[1], "diverged", {}))
    store.write(Record(IDS[2], "finished", {}))
    assert {run_id: line[0] for run_id, line in said(store).items()} == dict(
        zip(IDS, ["finished", "diverged", "finished", "failed"], strict=True)
    )
    assert len(opened) == 2


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 99, "runs": {}}', '{"format": 2, "runs": {"a": [1]}}']
)
def test_a_wrong_index_is_made_again(store: Store, text: str) -> None:
    before = said(store)
    (store.root / "index.json").write_text(text)
    assert said(store) == before
    assert set(json.loads((store.root / "index.json").read_text())["runs"]) == {
        IDS[0],
        IDS[1],
        IDS[3],
    }


def test_a_line_of_another_writing_does_not_count(store: Store) -> None:
    """As after the index of another machine was copied over this one's."""
    said(store)
    content = json.loads((store.root / "index.json").read_text())
    for fields in content["runs"].values():
        fields[0] += 1
        fields[2] = "diverged"
    (store.root / "index.json").write_text(json.dumps(content))
    assert said(store)[IDS[0]][0] == "finished"


def test_another_runs_record_and_one_of_newer_code_are_said_to_be(store: Store) -> None:
    store.path(IDS[2]).parent.mkdir()
    store.path(IDS[2]).write_text(store.path(IDS[0]).read_text())
    store.path(IDS[3]).write_text('{"format": 99}')
    found = lines(store, IDS)
    assert found[IDS[2]].status == "damaged"
    assert f"it holds the record of run {IDS[0]}" in found[IDS[2]].error
    assert found[IDS[3]].status == "newer"


def test_a_damaged_record_is_said_to_be(store: Store) -> None:
    store.path(IDS[0]).write_text("{")
    assert said(store)[IDS[0]][0] == "damaged"
    assert store.path(IDS[0]).exists()  # who trains sets it aside
