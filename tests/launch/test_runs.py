"""launch.runs: runs are listed, searched, compared, tagged and deleted; records are what they
were."""

import dataclasses
from pathlib import Path

import pytest

from research.sweeps.records.store import Store
from tests.support.command_lines import Result, run_all
from tests.support.records import record

FIRST, SECOND, THIRD = "a" * 16, "ab" * 8, "c" * 16


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = Store(tmp_path / "records")
    store.prepare()
    known = {"task": "classification", "loss": "cross_entropy"}
    for run_id, arch, accuracy in ((FIRST, "mlp", 0.9), (SECOND, "mlp", 0.95), (THIRD, "cnn", 0.8)):
        store.write(
            dataclasses.replace(record(run_id, 0, accuracy, arch=arch, **known), run_id=run_id)
        )
    (tmp_path / "records" / "params" / FIRST).mkdir(parents=True)
    (tmp_path / "records" / "params" / FIRST / "arrays").write_bytes(b"0" * 2000)
    return tmp_path


def runs(folder: Path, *flags: str) -> Result:
    (result,) = run_all([["runs", *flags]], folder)
    return result


def test_runs_are_listed_searched_and_sorted(folder: Path) -> None:
    every = runs(folder)
    assert every.code == 0, every.err
    assert all(run_id in every.out for run_id in (FIRST, SECOND, THIRD))
    assert "records: records " in every.err
    assert "parameters 2 KB" in every.err
    best = runs(
        folder, "--where=arch=mlp", "--where=test/accuracy>=90%", "--sort=test/accuracy", "--top=1"
    )
    assert SECOND in best.out
    assert FIRST not in best.out
    assert THIRD not in best.out


def test_two_runs_are_compared(folder: Path) -> None:
    lines = [line.split() for line in runs(folder, f"--diff={FIRST},{THIRD}").out.splitlines()]
    assert lines[0] == [FIRST, THIRD]
    assert ["arch", "mlp", "cnn"] in lines
    assert ["test/accuracy", "0.9", "0.8"] in lines
    assert not any(line[0] == "dataset" for line in lines)


def test_tags_and_notes_are_shown_and_searched(folder: Path) -> None:
    shown = runs(
        folder, f"--tag={FIRST}:baseline", f"--tag={FIRST}:paper", f"--note={SECOND}:of figure 2"
    )
    assert "baseline, paper" in shown.out
    assert "of figure 2" in shown.out
    removed = runs(folder, f"--tag={FIRST}:-baseline")
    assert "baseline" not in removed.out
    assert FIRST in runs(folder, "--where=tags=paper").out
    assert THIRD not in runs(folder, "--where=tags=paper").out
    store = Store(folder / "records")
    assert store.read(FIRST).metrics == {"test/accuracy": 0.9}  # type: ignore[union-attr]


def test_deleting_is_asked_first(folder: Path) -> None:
    refused = runs(folder, "--delete=where", "--where=arch=mlp")
    assert refused.code == 2
    assert "--delete would delete 2 runs" in refused.err
    assert len(list((folder / "records" / "runs").glob("*/*.json"))) == 3
    done = runs(folder, "--delete=where", "--where=arch=mlp", "--yes")
    assert done.out == "deleted 2 runs\n"
    assert [*Store(folder / "records").ids()] == [THIRD]
    assert not (folder / "records" / "params" / FIRST).exists()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--diff=a"], "give two runs"),
        (["--diff=a,zz"], "'a' is the beginning of 2 runs"),
        (["--tag=a"], "'a' is not of the form RUN:text"),
        ([f"--tag={FIRST}:two words"], "a tag is a word"),
        (["--delete=where"], "give a condition"),
        (["--where=archh=mlp"], "did you mean arch"),
        (["--records=nowhere"], "nowhere has no records"),
    ],
)
def test_what_cannot_be_is_one_line(flags: list[str], said: str, folder: Path) -> None:
    result = runs(folder, *flags)
    assert result.code == 2
    assert said in result.err
    assert len(result.err.splitlines()) == 1
