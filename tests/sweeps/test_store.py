"""The store: records come back as they were, damaged ones are set aside, files are whole or not
there."""

import dataclasses
import hashlib
import json
import math
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.errors import UserError
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.records.record import Record
from research.sweeps.records.store import Damaged, Store

numbers = st.floats(allow_nan=True, allow_infinity=True)
whole = st.integers(-(2**63), 2**63 - 1)
names = st.text(min_size=1, max_size=8)
records = st.builds(
    Record,
    run_id=st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
    status=st.sampled_from(["finished", "diverged", "failed"]),
    config=st.dictionaries(names, st.text(max_size=8), max_size=4),
    metrics=st.dictionaries(names, numbers, max_size=4),
    curves=st.dictionaries(names, st.lists(numbers, max_size=4), max_size=3),
    checksums=st.lists(st.from_regex(r"[0-9a-f]{16}", fullmatch=True), max_size=3),
    parameters=st.integers(0, 2**40),
    steps=st.integers(0, 2**40),
    diverged_at=st.none() | st.integers(0, 1000),
    error=st.text(max_size=20),
    provenance=st.dictionaries(
        names, whole | st.text(max_size=5) | st.lists(st.booleans(), max_size=2)
    ),
)
RECORD = Record(
    "0123456789abcdef", "finished", {"seed": "0"}, {"test/accuracy": 0.5}, {"loss": [1.0, math.nan]}
)


@given(records)
def test_round_trip(record: Record) -> None:
    """`repr` tells every float, NaN included."""
    with tempfile.TemporaryDirectory() as directory:
        store = Store(Path(directory))
        store.write(record)
        assert repr(store.read(record.run_id)) == repr(record)
        assert list(store.ids()) == [record.run_id]


def test_a_record_of_the_first_format_is_read(tmp_path: Path) -> None:
    """Its checksum is of the record with sorted keys, however the file was laid out."""
    store = Store(tmp_path)
    body = json.loads(store.write(RECORD).read_text())["record"]
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    store.path(RECORD.run_id).write_text(
        json.dumps({"format": 1, "sha256": digest, "record": body}, indent=1)
    )
    assert repr(store.read(RECORD.run_id)) == repr(RECORD)


def test_missing_records_are_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.read("ab" * 8) is None
    assert store.find(["ab" * 8]) == ({}, [])
    assert store.read_json("ways", "x") is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: text.replace("0.5", "0.6"),
        lambda text: text.replace('"format": 2', '"format": 0'),
        lambda text: "[]",
        lambda text: "{}",
        lambda text: json.dumps({"format": 1, "record": {}, "sha256": ""}),
        lambda text: json.dumps({"format": 2, "record": {}, "sha256": ""}),
        lambda text: "null",
    ],
    ids=["truncated", "empty", "changed", "format", "list", "object", "hollow 1", "hollow", "null"],
)
def test_a_damaged_record_is_set_aside(tmp_path: Path, damage: object) -> None:
    store = Store(tmp_path)
    path = store.write(RECORD)
    text = damage(path.read_text())  # type: ignore[operator]
    for number in range(2):  # a second one does not overwrite the first
        path.write_text(text)
        with pytest.raises(Damaged, match=r"is damaged .*; moved to") as caught:
            store.read(RECORD.run_id)
        assert "\n" not in str(caught.value)
        assert not path.exists()
        assert len(list((tmp_path / "damaged").iterdir())) == number + 1
    assert all(aside.read_text() == text for aside in (tmp_path / "damaged").iterdir())
    found, messages = store.find([RECORD.run_id])
    assert not found
    assert not messages


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", "null", '{"way": {"size": 1}, "seconds_per_lane_step": {}}']
)
def test_a_damaged_way_is_set_aside_and_nobody_is_stopped(tmp_path: Path, text: str) -> None:
    said: list[str] = []
    store = Store(tmp_path, said.append)
    whole = {"way": {"width": 2, "steps": 8, "devices": 1}, "seconds_per_lane_step": {"a": 0.5}}
    store.write_json("ways", "x", whole)
    assert store.read_json("ways", "x") == whole
    (tmp_path / "ways" / "x.json").write_text(text)
    assert store.read_json("ways", "x") is None
    (aside,) = (tmp_path / "damaged").iterdir()
    assert aside.read_text() == text
    assert len(said) == 1
    assert f"moved to {aside}; it is chosen again" in said[0]
    assert store.read_json("ways", "x") is None
    assert len(said) == 1


def test_a_damaged_sweep_is_set_aside_and_its_flags_are_asked_for(tmp_path: Path) -> None:
    store = Store(tmp_path)
    SweepSpec([], []).save(store, "rates", [])
    (tmp_path / "sweeps" / "rates.json").write_text("{")
    with pytest.raises(
        UserError, match=r"sweeps/rates.json is damaged .*moved to .*give the sweep's flags again"
    ):
        SweepSpec.load(store, "rates")
    with pytest.raises(UserError, match="no sweep 'rates'"):
        SweepSpec.load(store, "rates")
    (aside,) = (tmp_path / "damaged").iterdir()
    assert aside.read_text() == "{"


def test_a_tuning_is_no_sweep_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "tunings").mkdir()
    (tmp_path / "tunings" / "rate.journal").touch()
    with pytest.raises(
        UserError, match=r"no sweep 'rate' in .*; it is a tuning; launch.table shows its trials"
    ):
        SweepSpec.load(Store(tmp_path), "rate")


def test_a_record_under_another_runs_name_is_not_believed(tmp_path: Path) -> None:
    """As after `cp`, `mv`, or a download that renamed files: the id inside is what counts."""
    store, other = Store(tmp_path), "01" + "ab" * 7
    text = store.write(RECORD).read_text()
    store.path(other).write_text(text)
    found, (said,) = store.find([RECORD.run_id, other])
    assert list(found) == [RECORD.run_id]
    assert (
        f"{other}.json is damaged (it holds the record of run {RECORD.run_id}; was it copied or"
        in str(said)
    )
    (aside,) = (tmp_path / "damaged").iterdir()
    assert aside.read_text() == text
    assert not store.path(other).exists()


def test_files_of_other_names_are_nobodys_record(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.write(RECORD)
    for name in (
        f"{RECORD.run_id} (copy).json",
        f"{RECORD.run_id}.bak.json",
        "ab" * 8 + ".json",
        ".x.json",
    ):
        (path.parent / name).write_text(path.read_text())
    assert list(store.ids()) == [RECORD.run_id]


@pytest.mark.parametrize("format", [1, 2])
def test_a_record_of_newer_code_stays(tmp_path: Path, format: int) -> None:
    """Its format is a later one, or it has a field that nobody knows here; nothing is wrong with
    it."""
    store = Store(tmp_path)
    path = store.write(RECORD)
    body = json.loads(path.read_text())["record"] | {"energy": 1.5}
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    texts = [path.read_text().replace('"format": 2', '"format": 99')]
    texts += [json.dumps({"format": 1, "sha256": digest, "record": body})]
    path.write_text(texts[format - 1])
    found, (said,) = store.find([RECORD.run_id])
    assert not found
    assert "was written by newer code (it has " in str(said)
    assert said.stays
    assert store.stays(RECORD.run_id)
    assert path.read_text() == texts[format - 1]
    assert not (tmp_path / "damaged").exists()


def test_a_damaged_record_that_cannot_be_moved_is_named_and_hides_no_other(tmp_path: Path) -> None:
    """As in a directory that is read only; a file in the folder's place does it for root, too."""
    store, other = Store(tmp_path), "ab" * 8
    store.write(RECORD)
    store.write(dataclasses.replace(RECORD, run_id=other)).write_text("{")
    (tmp_path / "damaged").touch()
    found, (said,) = store.find([RECORD.run_id, other])
    assert list(found) == [RECORD.run_id]
    assert f"{other}.json is damaged (" in str(said)
    assert "left where it is: nothing can be moved to" in str(said)
    assert said.stays
    assert store.path(other).exists()


def test_binary_rubbish_is_set_aside_too(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(RECORD).write_bytes(b"\xff\xfe\x00rubbish")
    found, messages = store.find([RECORD.run_id])
    assert not found
    assert len(messages) == 1


def test_no_temporary_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    path = store.write(RECORD)
    assert list(path.parent.iterdir()) == [path]
    before = path.read_text()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match="No space left"):
        store.write(RECORD)
    assert list(path.parent.iterdir()) == [path]
    assert path.read_text() == before


def test_two_writers_leave_one_whole_record(tmp_path: Path) -> None:
    store = Store(tmp_path)
    failures: list[BaseException] = []

    def write() -> None:
        try:
            for _ in range(50):
                store.write(RECORD)
        except BaseException as error:
            failures.append(error)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert not failures
    assert repr(store.read(RECORD.run_id)) == repr(RECORD)
    assert len(list(store.path(RECORD.run_id).parent.iterdir())) == 1


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="--records"):
        Store(tmp_path / "file").prepare()
    with pytest.raises(UserError, match="cannot write"):
        Store(tmp_path / "file").write(RECORD)


@pytest.mark.parametrize("saved_by", ["this code", "earlier code"])
def test_a_plugin_that_was_moved_is_known_by_its_content(tmp_path: Path, saved_by: str) -> None:
    """As after the records and the plugin were copied to another home. Earlier code kept no digest:
    its name counts."""
    store, old, new = (
        Store(tmp_path / "records"),
        tmp_path / "old" / "net.py",
        tmp_path / "new" / "net.py",
    )
    other = tmp_path / "new" / "other.py"
    for path, text in ((old, "a = 1"), (new, "a = 1"), (other, "a = 2")):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    SweepSpec([], [], [str(old)]).save(store, "mine", [])
    old.unlink()
    content = store.read_json("sweeps", "mine")
    if saved_by == "earlier code":
        store.write_json(
            "sweeps", "mine", {key: value for key, value in content.items() if key != "contents"}
        )
    loaded = SweepSpec.load(store, "mine")
    assert loaded.code != loaded.code_now()
    found = loaded.with_plugins([str(other), str(new)])
    assert found.plugins == [str(new)]
    assert found.code == found.code_now()
    assert loaded.with_plugins([str(other)]).plugins == [str(old)]
