"""A name that is asked for again: what changes is said; a run under way is not lost by a changed
flag."""

import json
from pathlib import Path

import pytest

import research.catalogue  # noqa: F401  (fills the registries)
from research import config as config_lib
from research.data.source import open_source
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.store import Store
from research.training.checkpoint.pack_manifest import PackManifest
from research.training.devices.strategy import ExecutionStrategy
from tests.support.command_lines import Result, run_all

BASE = {"dataset": "iris", "arch.hidden": "4", "epochs": "3", "batch_size": "16"}
FLAGS = [f"--{name}={value}" for name, value in BASE.items()]


def run_of(folder: Path, **settings: str) -> PlannedRun:
    cache = str(folder / ".cache")
    planner = Planner(
        lambda config: open_source(config.dataset.name, {}, data_dir=None, cache_dir=cache)
    )
    (run,) = planner.runs([{**BASE, **settings}])
    return run


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """Run `half` is under way: it has a checkpoint and no record."""
    folder = tmp_path_factory.mktemp("named")
    store = Store(folder / "records")
    store.prepare()
    run = run_of(folder)
    SweepSpec([BASE], []).save(store, "half", [run])
    pack = PackManifest(
        run.program.id, "cpu", ExecutionStrategy(1, 4), {run.id: config_lib.to_flags(run.config)}
    )
    saved = folder / "records" / "checkpoints" / pack.name
    saved.mkdir(parents=True)
    (saved.parent / "checkpoints.json").write_text(
        json.dumps({"checkpoints": "research.training.checkpoints"})
    )
    (saved / "pack.json").write_text(json.dumps({"format": 1, "pack": pack.to_json()}))
    sweep, seeds = [*FLAGS, "--name=rates"], "--seeds=8"
    cases = {
        "changed flag": ["train", *FLAGS, "--learning_rate=0.2", "--seed=1", "--name=half"],
        "same flags": ["train", *FLAGS, "--name=half"],
        "done": ["train", *FLAGS, "--learning_rate=0.2", "--name=half"],
        "first": ["sweep", *sweep, "--grid=learning_rate=0.1|0.2"],
        "planned": ["plan", *sweep, "--grid=learning_rate=0.1|0.3", seeds],
        "again": ["sweep", *sweep, "--grid=learning_rate=0.2|0.1"],
        "replaced": ["sweep", *sweep, "--grid=learning_rate=0.2|0.3", "--epochs=4"],
        "name alone": ["sweep", "--name=rates"],
        "plan of a name": ["plan", "--name=rates"],
        "plan of no sweep": ["plan", "--name=rotes"],
        "a run over a sweep": ["train", *FLAGS, "--name=rates"],
        "shown": ["status", "--name=rates"],
        "no name": ["plan", *FLAGS, "--name=a/b"],
        "experiment": ["plan", "--experiment=regularization", "--name=a"],
    }
    cases["replaced"].remove("--epochs=3")
    return dict(zip(cases, run_all(list(cases.values()), folder), strict=True))


def test_resuming_with_a_changed_flag_names_the_flags(results: dict[str, Result]) -> None:
    result = results["changed flag"]
    assert result.code == 2
    (line,) = result.err.splitlines()
    assert "resume with a changed flag" in line
    assert "learning_rate was 0.1 and is 0.2" in line
    assert "seed was 0 and is 1" in line
    assert "epochs" not in line


def test_the_same_flags_go_on_and_a_finished_run_gives_its_name_away(
    results: dict[str, Result],
) -> None:
    assert results["same flags"].code == 0
    assert "changes" not in results["same flags"].err
    assert results["done"].code == 0
    assert (
        "'half' changes (learning_rate: not set, so 0.1 -> 0.2); runs: 1 new, 0 kept"
        in results["done"].err
    )


def test_a_sweep_says_what_changes_under_its_name(results: dict[str, Result]) -> None:
    assert "changes" not in results["first"].err
    assert "changes" not in results["again"].err  # the same runs in another order
    said = (
        "'rates' changes (epochs: 3 -> 4; learning_rate: 0.2|0.1 -> 0.2|0.3); runs: 2 new, 0 kept,"
        " 2 no longer wanted"
    )
    assert said in results["replaced"].err


def test_a_name_alone_is_the_sweep_that_has_it(results: dict[str, Result]) -> None:
    """It goes on, and is planned; neither it nor a run takes its name away."""
    assert results["name alone"].code == 0
    assert "changes" not in results["name alone"].err
    rows = [
        line.split("|")[1].strip()
        for line in results["name alone"].out.splitlines()
        if line.startswith("| ")
    ]
    assert rows[-2:] == ["0.2", "0.3"]
    assert results["plan of a name"].out.startswith("2 runs in 1 program; 2 done, 0 to train")
    assert results["plan of no sweep"].code == results["a run over a sweep"].code == 2
    assert "no sweep 'rotes' in records; did you mean rates?" in results["plan of no sweep"].err
    assert (
        "'rates' is a sweep of 2 runs; give the run another --name"
        in results["a run over a sweep"].err
    )
    assert "learning_rate=0.3" in results["shown"].out


def test_a_plan_says_it_too_and_changes_nothing(results: dict[str, Result]) -> None:
    said = (
        "'rates' changes (learning_rate: 0.1|0.2 -> 0.1|0.3; seed: 0 -> 0|1|2|3|4|5|…); runs: 15"
        " new, 1 kept, 1 no"
    )
    assert said in results["planned"].out
    assert results["no name"].code == results["experiment"].code == 2
    assert "a name consists of letters" in results["no name"].err
    assert "--name is for a sweep" in results["experiment"].err
