"""Names of runs: an id, a name, a tag or the beginning of an id means one run, or is refused."""

import dataclasses
from pathlib import Path

import pytest

from research.errors import UserError
from research.sweeps.records.run_labels import relabel
from research.sweeps.records.store import Store
from research.sweeps.run_names import find_run
from tests.support.records import record

FIRST, SECOND, ABSENT = "a1" * 8, "ab" * 8, "f" * 16


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    for run_id in (FIRST, SECOND):
        store.write(dataclasses.replace(record(run_id, 0, 0.5), run_id=run_id))
    sweeps = {"mine": [FIRST], "both": [FIRST, SECOND], "absent": [ABSENT], "ab": [FIRST]}
    for name, runs in sweeps.items():
        content = {"requests": [{}] * len(runs), "axes": [], "runs": runs}
        store.write_json("sweeps", name, content)
    (tmp_path / "tunings").mkdir()
    (tmp_path / "tunings" / "rates.journal").touch()
    relabel(store, SECOND, ["paper", "shared"], None)
    relabel(store, FIRST, ["shared", SECOND], None)
    return store


@pytest.mark.parametrize(
    ("text", "run_id"),
    [
        (FIRST, FIRST),
        ("a1", FIRST),
        ("mine", FIRST),
        ("paper", SECOND),
        ("ab", FIRST),  # a name, before the beginning of an id
        (SECOND, SECOND),  # an id, before a tag
    ],
)
def test_a_run_is_found(store: Store, text: str, run_id: str) -> None:
    assert find_run(store, text) == run_id


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no record of a run ''"),
        ("mime", "did you mean mine?"),
        ("zzz", "launch.runs lists its 2 runs; names and tags: "),
        ("rates", "it is a tuning, and launch.table --name=rates lists its trials"),
        ("papers", "did you mean paper?"),
        ("a", f"'a' is the beginning of 2 runs; give the id of one: {FIRST}, {SECOND}"),
        ("both", f"'both' names 2 runs; give the id of one: {FIRST}, {SECOND}"),
        ("shared", "'shared' names 2 runs"),
        ("absent", f"'absent' is run {ABSENT}, which has no record"),
    ],
)
def test_no_run_or_several_are_refused(store: Store, text: str, message: str) -> None:
    with pytest.raises(UserError) as raised:
        find_run(store, text)
    assert message in str(raised.value)
