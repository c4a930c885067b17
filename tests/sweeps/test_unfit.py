"""Runs that their sizes rule out: in a sweep only they fail, and each is said in a line."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from research.errors import ShapeError
from research.sweeps.execute.ensure_records import ensure_records
from research.sweeps.execute.execution_options import Execution
from research.sweeps.plan.run_plan import UnfitRun, unfit_notes, with_seeds
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.training.engine import loop
from tests.support.command_lines import run_all
from tests.support.engine import BASE, planned, planner
from tests.sweeps.test_execution import Watcher

ONE_ROW = {**BASE, "regularization": "batch_norm", "batch_size": 1}


def test_a_run_that_its_sizes_rule_out_is_planned_as_such_with_each_seed() -> None:
    runs = planner().plan([*with_seeds(ONE_ROW, range(2)), BASE])
    assert [type(run) is UnfitRun for run in runs] == [True, True, False]
    assert len({run.id for run in runs}) == 3
    assert [run.config.seed for run in runs[:2]] == [0, 1]
    assert "batch norm over one value" in runs[1].reason  # type: ignore[union-attr]


def test_who_asks_for_programs_alone_is_refused() -> None:
    with pytest.raises(ShapeError, match="batch norm over one value"):
        planner().runs([BASE, ONE_ROW])


def test_a_line_per_row_and_reason() -> None:
    runs = planner().plan([*with_seeds(ONE_ROW, range(2)), BASE])
    arms = [("one", runs[0]), ("one", runs[1]), ("one", runs[0]), ("base", runs[2])]
    (note,) = unfit_notes(arms)
    assert note.startswith("one: 2 runs cannot be trained: batch norm over one value")
    with pytest.raises(ShapeError, match=r"^batch norm over one value"):
        unfit_notes(arms[:2])
    assert unfit_notes(arms[3:]) == unfit_notes([]) == []


def test_it_gets_a_failed_record_and_costs_the_others_nothing(tmp_path: Path) -> None:
    store, watcher = Store(tmp_path), Watcher()
    unfit, sound = planner().plan([ONE_ROW, BASE])
    assert ensure_records([unfit, sound], store, planner(), watcher, train=False) == {}
    records = ensure_records([unfit, sound], store, planner(), watcher)
    assert [*records] == [unfit.id, sound.id]
    assert records[sound.id].status == "finished"
    assert records[unfit.id].status == "failed"
    assert records[unfit.id].cause == unfit.reason  # type: ignore[union-attr]
    assert watcher.trained == [sound.id]
    again = ensure_records(
        [unfit, sound], store, planner(), watcher, execution=Execution(retry_failed=True)
    )
    assert repr(again) == repr(records)
    assert watcher.trained == [sound.id]


def test_a_record_of_code_that_trained_it_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (unfit,) = planner().plan([ONE_ROW])
    store.write(Record(unfit.id, "finished", {}))
    assert ensure_records([unfit], store, planner(), Watcher())[unfit.id].status == "finished"


def test_sizes_that_are_only_seen_in_training_fail_their_program_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = planned({})[0], planned({"arch.hidden": (4,)})[0]
    original = loop.train

    def breaking(program: Any, *rest: Any, **more: Any) -> Any:
        if program == bad.program:
            raise ShapeError("the images are too small")
        return original(program, *rest, **more)

    monkeypatch.setattr(loop, "train", breaking)
    records = ensure_records([bad, good], Store(tmp_path), planner(), Watcher())
    assert records[good.id].status == "finished"
    assert "the images are too small" in records[bad.id].cause


def test_through_the_launchers(tmp_path: Path) -> None:
    base = ["--dataset=wine", "--arch.hidden=4", "--epochs=1", "--regularization=batch_norm"]
    sizes = [*base, "--grid=batch_size=1|64|500", "--seeds=2"]
    patches = ["--dataset=digits", "--arch=vit", "--arch.width=8", "--arch.layers=1"]
    patches += ["--arch.heads=2", "--epochs=1", "--batch_size=512", "--grid=arch.patch=3|4"]
    hopeless = [*base, "--grid=batch_size=1|500"]
    plan, swept, table, status, vit, alone, none = run_all(
        [
            ["plan", *sizes],
            ["sweep", *sizes, "--name=sizes"],
            ["table", "--name=sizes", "--format=csv"],
            ["status", "--name=sizes"],
            ["sweep", *patches],
            ["train", *base, "--batch_size=1"],
            ["sweep", *hopeless, "--records=other"],
        ],
        tmp_path,
    )
    one_value, too_large = (
        "batch norm over one value per channel",
        "larger than the 142 training rows",
    )
    assert plan.code == 0
    assert "2 more runs cannot be trained: batch norm over one value" in plan.out
    assert f"batch_size=500: 2 runs cannot be trained: batch_size=500 is {too_large}" in plan.err
    assert swept.code == table.code == 4
    flat = " ".join(swept.out.split())
    assert f"batch_size=1: 2 runs failed: {one_value}" in flat
    assert f"batch_size=500: 2 runs failed: batch_size=500 is {too_large}" in flat
    rows = csv.DictReader(io.StringIO(table.out))
    assert [row["failed"] for row in rows] == ["2", "2", "0", "0", "2", "2"]
    assert "batch_size=500): batch_size=500 is larger" in status.out
    assert "nothing is left to train" in status.out
    assert vit.code == 4
    assert "arch.patch=3: 1 run failed: patches of 3x3 do not divide" in " ".join(vit.out.split())
    assert alone.code == none.code == 2
    assert alone.err.count("\n") == none.err.count("\n") == 1
    assert alone.err.startswith(f"error: {one_value}")
    assert none.err.startswith(f"error: batch_size=1: 1 run cannot be trained: {one_value}")
    assert not (tmp_path / "other").exists()
