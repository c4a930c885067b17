"""launch.tune end to end: journal and table; killed and started again; arms of an experiment."""

import re
import signal
import time
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from tests.support.command_lines import Result, run_all, start

SPACE = [
    "--sample=learning_rate=log(1e-3,10)", "--sample=schedule=constant|cosine",
    "--sample=schedule.end=uniform(0,0.5) if schedule=cosine",
]  # fmt: skip
RUN = ["--dataset=wine", "--arch.hidden=8", "--batch_size=16", "--epochs=6"]
TUNE = ["tune", *RUN, *SPACE, "--trials=12", "--parallel=6", "--report_seeds=3", "--name=rates"]


def trials(folder: Path, name: str = "rates", study: str = "") -> list[optuna.trial.FrozenTrial]:
    """The trials in a journal, read as Optuna's dashboard reads them."""
    storage = JournalStorage(
        JournalFileBackend(str(folder / "records/tunings" / f"{name}.journal"))
    )
    return optuna.load_study(study_name=study or name, storage=storage).trials


def came(folder: Path) -> list[tuple[object, ...]]:
    return [(t.params, t.state, t.value) for t in trials(folder)]


def ids(folder: Path) -> dict[str, float]:
    return {path.stem: path.stat().st_mtime_ns for path in folder.glob("records/runs/*/*.json")}


def ok(result: Result) -> Result:
    assert result.code == 0, result.err
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tune")


def test_the_trials_of_a_tuning_that_grows(tmp_path: Path) -> None:
    tune = [
        "tune",
        "--dataset=wine",
        "--arch.hidden=4",
        "--epochs=1",
        "--batch_size=16",
        "--report_seeds=1",
    ]
    tune += ["--sampler=grid", "--name=rate", "--sample=learning_rate=0.05|1e15"]
    table = ["table", "--name=rate"]
    first, shown, every, page, more, again, csv, top, refused = run_all(
        [
            tune,
            ["status", "--name=rate", "--watch"],
            ["status"],
            ["status", "--name=rate", "--html=page"],
            [*tune[:-1], "--sample=learning_rate=0.1|0.05|1e15"],
            [*tune[:-1], "--sample=learning_rate=0.1|0.05|1e15"],
            [*table, "--format=csv"],
            [*table, "--top=1", "--columns=trial,learning_rate,state", "--where=state=finished"],
            [*table, "--baseline=0.1"],
        ],
        tmp_path,
    )
    ok(first)
    assert re.fullmatch(
        r"rate: trials: 1 finished, 1 diverged; best validation/accuracy [\d.]+ at"
        r" learning_rate=0\.05\n",
        ok(shown).out,
    )
    assert every.out == shown.out
    assert (
        "launch.table --name=rate --format=html --out=trials.html writes a page of its trials"
        in page.err
    )
    assert "'rate': 2 of 2 earlier trials are kept; 1 of 3 trials left to try\n" in ok(more).err
    assert (
        "Tuned by 3 trials of grid, 2 of them kept from an earlier space: learning_rate."
        in " ".join(more.out.split())
    )
    assert (ok(again).out, "kept" in again.err) == (more.out, False)
    header, *rows = ok(csv).out.splitlines()
    assert header == "study,trial,learning_rate,validation/accuracy,state,epochs,run_id,note"
    pattern = r"rate,0,0.05,[\d.]+,finished,1,\w{16},\n" r"rate,1,1e15,,diverged,0,\w{16},\n"
    assert re.fullmatch(
        pattern + r'"rate, space 2",2,0.1,[\d.]+,finished,1,\w{16},', "\n".join(rows)
    )
    assert re.search(r"\| +[02] \| +0.(05|1) \| finished \|\n$", ok(top).out)
    assert (
        refused.err
        == "error: --baseline is not for the trials of a tuning, which 'rate' is; leave it out\n"
    )


def test_a_journal_without_trials_or_with_damage_is_named(tmp_path: Path) -> None:
    journal = tmp_path / "records/tunings/rate.journal"
    journal.parent.mkdir(parents=True)
    journal.touch()
    cases = [["table", "--name=rate"], ["status", "--name=rate"], ["table", "--name=rat"]]
    empty, none, near = run_all(cases, tmp_path)
    assert empty.err == "error: the tuning 'rate' has no trials yet\n"
    assert none.out == "rate: trials: none yet\n"
    assert near.err.endswith("did you mean rate?\n")
    journal.write_bytes(b"[]\n")
    shown, every = run_all([["table", "--name=rate"], ["status"]], tmp_path)
    assert "rate.journal is damaged (line 1: [])" in shown.err
    assert "rate.journal is damaged (line 1: [])" in every.err
    assert every.err.endswith("error: no tuning in records can be read\n")


def test_a_tuning_is_a_table_and_a_journal(folder: Path) -> None:
    other = [word.replace("--epochs=6", "--epochs=7") for word in TUNE]
    first, again, changed = run_all([TUNE, TUNE, other], folder)
    assert "Tuned by 12 trials of tpe: learning_rate, schedule, schedule.end." in " ".join(
        ok(first).out.split()
    )
    assert "3 fresh seeds" in " ".join(first.out.split())
    assert len(trials(folder)) == 12
    assert len(ids(folder)) == 12 + 3
    assert ok(again).out == first.out
    assert changed.code == 2
    assert "'rates' is a tuning of something else: settings was " in changed.err


def test_a_race_reports_its_lanes(folder: Path) -> None:
    race = [
        word.replace("rates", "race").replace("epochs=6", "epochs=7") for word in TUNE
    ]  # none has its record
    race += ["--pruner=asha"]
    (result,) = run_all([race], folder)
    said = re.search(r"Lane utilisation: (\d+)%", " ".join(ok(result).out.split()))
    assert said is not None
    assert 30 < int(said[1]) <= 100
    states = [trial.state for trial in trials(folder, "race")]
    assert TrialState.PRUNED in states
    assert "pruned by asha" in " ".join(result.out.split())


def test_a_killed_tuning_goes_on_as_if_it_had_not_been(folder: Path, tmp_path: Path) -> None:
    process = start(TUNE, tmp_path)
    deadline = time.monotonic() + 90
    while not ids(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send(signal.SIGKILL)
    process.wait()
    kept = ids(tmp_path)
    assert kept
    ok(run_all([TUNE], tmp_path)[0])
    assert came(tmp_path) == came(folder)
    assert {run_id: ids(tmp_path)[run_id] for run_id in kept} == kept


EXPERIMENT = '''"""A table of two arms."""
from research.sweeps.column import Column
from research.sweeps.experiment import EXPERIMENTS
from research.sweeps.experiment import Experiment
EXPERIMENTS.add(Experiment(
    name="arms", summary="two arms", columns=(Column("test accuracy", "test/accuracy"),), baseline="none",
    base={"dataset": "wine", "arch.hidden": "8", "learning_rate": 0.1, "epochs": 3, "batch_size": 16},
    arms={"none": {}, "dropout": {"regularization": "dropout=0.3"}, "as it is": {"optimizer": "adam"}}, seeds=2,
))
'''


def test_each_arm_has_the_same_budget(tmp_path: Path) -> None:
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments/__init__.py").touch()
    (tmp_path / "experiments/arms.py").write_text(EXPERIMENT)
    line = [
        "tune",
        "--experiment=arms",
        "--per_arm",
        "--trials=3",
        "--parallel=3",
        "--sampler=sobol",
        "--name=arms",
    ]
    line += ["--sample=learning_rate=log(1e-3,1) if arm=none|dropout", "--report_seeds=2"]
    line += ["--sample=regularization.dropout=uniform(0,0.5) if arm=dropout"]
    (result,) = run_all([line], tmp_path)
    text = " ".join(ok(result).out.split())
    assert (
        "Tuned for each of 2 rows by 3 trials of sobol: learning_rate, regularization.dropout."
        in text
    )
    assert "none: learning_rate=" in text
    assert "as it is |" in text
    assert (
        len(trials(tmp_path, "arms", "arms: none"))
        == len(trials(tmp_path, "arms", "arms: dropout"))
        == 3
    )
    for trial in trials(tmp_path, "arms", "arms: dropout"):
        assert set(trial.params) == {"learning_rate", "regularization.dropout"}
