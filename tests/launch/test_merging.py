"""Records of another machine: copying them is merging them."""

import shutil
from pathlib import Path

from tests.support.command_lines import run_all

BASE = ["--dataset=wine", "--arch.hidden=8", "--epochs=2"]


def test_copied_records_are_as_good_as_trained_ones(tmp_path: Path) -> None:
    """Two seeds are trained here and two there; after copying, nothing is left to train and the
    table has all four."""
    for name, first in (("here", 0), ("there", 2)):
        (tmp_path / name).mkdir()
        (ran,) = run_all([["sweep", *BASE, "--seeds=2", f"--seed={first}"]], tmp_path / name)
        assert ran.code == 0, ran.err
    here = tmp_path / "here" / "records" / "runs"
    shutil.copytree(tmp_path / "there" / "records" / "runs", here, dirs_exist_ok=True)
    before = {path: path.stat().st_mtime_ns for path in here.rglob("*.json")}
    assert len(before) == 4
    sweep = ["sweep", *BASE, "--seeds=4", "--name=all"]
    table = ["table", "--name=all", "--rows=runs", "--format=csv"]
    merged, rows, status = run_all([sweep, table, ["status", "--name=all"]], tmp_path / "here")
    assert merged.code == 0, merged.err
    assert {path: path.stat().st_mtime_ns for path in here.rglob("*.json")} == before
    assert sorted(line.split(",")[-1] for line in rows.out.splitlines()[1:]) == sorted(
        path.stem for path in before
    )
    assert "nothing is left to train" in status.out
