"""launch.verify end to end: what its exit code and its words say of recorded runs."""

import dataclasses
import os
from pathlib import Path

import pytest

from research.sweeps.records.store import Store
from tests.support.command_lines import Result, run_all

TINY = """
from research.sweeps.column import Column
from research.sweeps.experiment import EXPERIMENTS
from research.sweeps.experiment import Experiment

EXPERIMENTS.add(
    Experiment(
        name="tiny",
        summary="two rates on wine",
        base={"dataset": "wine", "arch.hidden": "4", "epochs": 3, "batch_size": 16},
        arms={"low": {"learning_rate": 0.01}, "high": {"learning_rate": 0.1}},
        columns=(Column("accuracy", "test/accuracy"),),
        seeds=3,
    )
)
"""
TABLE = ["table", "--experiment=tiny"]
SAMPLE = ["verify", "--experiment=tiny", "--sample=2", "--sample_seed=1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an experiment of its own, trained."""
    path = tmp_path_factory.mktemp("verify")
    (path / "experiments").mkdir()
    (path / "experiments" / "__init__.py").touch()
    (path / "experiments" / "tiny.py").write_text(TINY)
    (table,) = run_all([TABLE], path)
    assert table.code == 0, table.err
    return path


def ids(folder: Path) -> list[str]:
    return list(Store(folder / "records").ids())


def test_a_sample_of_an_experiment_is_identical(folder: Path) -> None:
    sample, again, rest = run_all(
        [SAMPLE, SAMPLE, [*SAMPLE[:2], "--sample=99", "--steps=1"]], folder
    )
    assert sample.code == 0, sample.err
    assert "2 of the 6 recorded runs of 'tiny', drawn by --sample_seed=1" in sample.out
    assert sample.out.endswith("2 runs: 2 identical\n")
    assert "trained again with 6 lanes (5 idle)" in sample.out
    assert again.out == sample.out
    assert rest.out.endswith("6 runs: 6 identical\n")
    assert (
        "its first 1 epoch, 8 steps: whole epochs are compared" in rest.out
    )  # 142 training rows, 16 a batch


def test_a_run_that_differs_ends_with_one(folder: Path) -> None:
    store, victim = Store(folder / "records"), ids(folder)[0]
    record = store.read(victim)
    assert record is not None
    changed = [record.checksums[0], "0" * 16, record.checksums[2]]
    store.write(
        dataclasses.replace(
            record, checksums=changed, provenance={**record.provenance, "commit": "abc"}
        )
    )
    try:
        whole, first, all_of_them = run_all(
            [
                ["verify", f"--run={victim[:10]}", "--localize"],
                ["verify", f"--run={victim}", "--steps=2"],
                ["verify", "--experiment=tiny"],
            ],
            folder,
        )
    finally:
        store.write(record)
    assert whole.code == 1, whole.err
    assert (
        "differs at epoch 2: its parameters, by their checksum; its curves are the same"
        in whole.out
    )
    assert "the run repeats here, bit for bit; the record came from elsewhere" in whole.out
    assert ", was abc" in whole.out
    assert first.code == 0, first.err
    assert "identical: parameters and curves of 1 epoch, bit for bit" in first.out
    assert all_of_them.code == 1
    assert "5 identical" in all_of_them.out
    assert "1 differs" in all_of_them.out


def test_a_run_over_two_devices_is_identical(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "XLA_FLAGS", f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=2"
    )
    train = [
        "train",
        "--dataset=wine",
        "--arch.hidden=4",
        "--epochs=2",
        "--seed=5",
        "--devices=2",
        "--records=two",
    ]
    (trained,) = run_all(
        [[*train, "--batch_size=17", "--regularization=dropout=0.2,batch_norm"]], folder
    )
    assert trained.code == 0, trained.err
    (victim,) = Store(folder / "two").ids()
    record = Store(folder / "two").read(victim)
    assert record is not None
    (same,) = run_all([["verify", f"--run={victim}", "--records=two"]], folder)
    assert same.code == 0, same.err
    assert "over 2 devices" in same.out
    Store(folder / "two").write(dataclasses.replace(record, checksums=["0" * 16] * 2))
    (localized,) = run_all([["verify", f"--run={victim}", "--records=two", "--localize"]], folder)
    assert localized.code == 1, localized.err
    assert "the run repeats here" in localized.out


def test_what_is_wrong_is_one_line(folder: Path) -> None:
    cases = {
        "verify": "give one of --run=RUN",
        "verify --run=zz": "no record of a run 'zz' in records",
        f"verify --run={ids(folder)[0]} --sample=2": "--run names one run",
        "verify --experiment=tiny --records=nothing": (
            "no runs of 'tiny'; train them: python -m launch.table"
        ),
        "verify --experiment=tinny": "did you mean tiny?",
        "verify --experiment=tiny --steps=0": "steps",
    }
    results: list[Result] = run_all([case.split() for case in cases], folder)
    for case, result in zip(cases, results, strict=True):
        assert result.code == 2, case
        assert cases[case] in result.err
        assert len(result.err.strip().splitlines()) == 1, result.err
    assert not (folder / "nothing").exists()


def test_a_sample_of_a_sweep(folder: Path) -> None:
    sweep = [
        "sweep",
        "--dataset=wine",
        "--arch.hidden=4",
        "--epochs=3",
        "--batch_size=16",
        "--grid=learning_rate=0.1",
    ]
    _, sample, missing = run_all(
        [
            [*sweep, "--seeds=3", "--name=rate"],
            ["verify", "--name=rate", "--sample=1", "--sample_seed=1", "--steps=1"],
            ["verify", "--name=rat"],
        ],
        folder,
    )
    assert sample.code == 0, sample.err
    assert "1 of the 3 recorded runs of 'rate', drawn by --sample_seed=1" in sample.out
    assert sample.out.endswith("1 run: 1 identical\n")
    assert missing.err.strip() == "error: no sweep 'rat' in records; did you mean rate?"
