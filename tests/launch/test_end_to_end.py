"""The launchers end to end: real data in, records and tables out."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.command_lines import ROOT, Result, run_all, start

SWEEP = [
    "sweep", "--arch.hidden=8", "--epochs=2", "--train_size=128", "--seeds=2", "--name=rates",
    "--grid=learning_rate=0.01|0.1", "--grid=regularization=none|dropout=0.5",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run")
    generator = np.random.default_rng(0)
    lines = ["size,colour,price"]
    lines += [
        f"{x:.3f},{'red' if x > 0 else 'blue'},{3 * x + 1:.3f}" for x in generator.normal(size=60)
    ]
    (path / "prices.csv").write_text("\n".join(lines))
    for name, shade in (("dark", 40), ("light", 200)):
        (path / "images" / name).mkdir(parents=True)
        for place in range(20):
            pixels = generator.integers(shade - 30, shade + 30, (8, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(path / "images" / name / f"{place}.png")
    return path


def ids(folder: Path) -> dict[str, float]:
    """Every record and when it was written."""
    return {path.stem: path.stat().st_mtime_ns for path in folder.glob("records/runs/*/*.json")}


def ok(result: Result) -> Result:
    assert result.code == 0, result.err
    return result


def grid(text: str) -> list[str]:
    """The lines of the table, without the caption and the footer."""
    return [line for line in text.splitlines() if line.startswith("|")]


def test_train_prints_config_metrics_and_record(folder: Path) -> None:
    cases = [
        [
            "train",
            "--dataset=csv:prices.csv",
            "--target=price",
            "--arch=linear",
            "--learning_rate=0.1",
            "--epochs=60",
            "--batch_size=full",
        ],
        [
            "train",
            "--dataset=folder:images",
            "--arch=cnn",
            "--arch.channels=2,2",
            "--epochs=4",
            "--batch_size=8",
        ],
        [
            "train",
            "--dataset=iris",
            "--arch=perceptron",
            "--epochs=2",
            "--batch_size=1",
            "--tensorboard=events",
        ],
    ]
    prices, images, iris = (ok(result).out for result in run_all(cases, folder))
    assert "scaling=standard" in prices
    assert "batch_size=full" in prices
    r2 = float(prices.split("test ")[1].split("r2 ")[1].split()[0])
    assert r2 > 0.99
    assert float(images.split("test ")[1].split("accuracy ")[1].split()[0]) == 1.0
    assert (folder / iris.split("record: ")[1].strip()).is_file()
    assert list((folder / "events").glob("*/events.out.tfevents.*"))


def test_sweep_then_tables(folder: Path) -> None:
    first, again = (ok(result) for result in run_all([SWEEP, SWEEP], folder))
    assert "dropout=0.5" in first.out
    assert again.out == first.out
    before = ids(folder)
    forms = run_all(
        [
            ["plan", *SWEEP[1:]],
            ["table", "--name=rates"],
            ["table", "--name=rates", "--format=csv", "--out=rates.csv"],
            ["table", "--name=rates", "--format=json"],
            ["table", "--name=rates", "--format=tex", "--standalone"],
            ["table", "--name=rates", "--rows=runs", "--format=csv"],
            ["table", "--name=rates", "--explain=learning_rate=0.01, regularization=none"],
            ["table", "--name=rates", "--no_train", "--figures=figures"],
            [
                "table",
                "--name=rates",
                "--explain=learning_rate=0.01, regularization=none",
                "--out=row.txt",
            ],
        ],
        folder,
    )
    plan, table, _, as_json, tex, runs, explained, pictured, _ = (
        ok(result).out for result in forms
    )
    assert "8 runs in 2 programs; 8 done, 0 to train" in plan
    assert table == first.out
    assert pictured.startswith(first.out)
    assert ids(folder) == before, "a finished run was trained again"
    assert len(list(csv.reader((folder / "rates.csv").open()))) > 4
    assert json.loads(as_json)["rows"]
    assert r"\toprule" in tex
    assert tex.rstrip().endswith(r"\end{document}")
    assert len(list(csv.reader(runs.splitlines()))) == 9
    assert "commit" in explained
    assert "lanes a chunk" in explained
    assert (folder / "row.txt").read_text().rstrip() == explained.rstrip()
    images = list((folder / "figures").glob("*.png"))
    assert images
    for path in images:
        Image.open(path).verify()


def test_a_table_of_what_there_is_needs_no_plan(folder: Path) -> None:
    """So it shows a sweep of other code, whose settings are perhaps none any more."""
    trained = ok(run_all([SWEEP], folder)[0]).out
    kept = json.loads((folder / "records/sweeps/rates.json").read_text())
    old = {**kept, "requests": [{**request, "no_such": "1"} for request in kept["requests"]]}
    (folder / "records/sweeps/rates_of_old.json").write_text(json.dumps(old))
    shown, planned = run_all(
        [["table", "--name=rates_of_old", *more] for more in (["--no_train"], [])], folder
    )
    assert grid(ok(shown).out) == grid(trained)
    assert planned.code == 2


def test_a_damaged_record_is_set_aside_and_its_run_trained_again(folder: Path) -> None:
    """Trained alone and not as a lane, metrics differ by float32 rounding over the steps, at most
    1e-3."""
    ok(run_all([SWEEP], folder)[0])
    of_sweep = sorted(
        p for p in folder.glob("records/runs/*/*.json") if '"train_size": "128"' in p.read_text()
    )
    victim = of_sweep[0]
    whole = json.loads(victim.read_text())["record"]
    command = [
        "train",
        *(f"--{k}={v}" for k, v in whole["config"].items() if k != "task" and v != "none"),
    ]
    damaged = victim.read_text()[:-200]
    victim.write_text(damaged)
    shown, runs = map(
        ok,
        run_all(
            [["table", "--name=rates", "--no_train", *more] for more in ([], ["--rows=runs"])],
            folder,
        ),
    )
    assert "damaged" in shown.err
    assert "1 of 8 runs have no record, and so no row" in runs.err
    assert "trained again" not in shown.err
    assert not victim.exists()
    victim.write_text(damaged)
    result = ok(run_all([command], folder)[0])
    assert "damaged" in result.err
    assert "trained again" in result.err
    assert len(list((folder / "records/damaged").glob(f"{victim.stem}.*.json"))) == 2
    repaired = json.loads(victim.read_text())["record"]
    assert repaired["metrics"] == pytest.approx(whole["metrics"], rel=1e-3)


def test_a_damaged_way_stops_neither_a_plan_nor_a_sweep(folder: Path) -> None:
    ok(run_all([SWEEP], folder)[0])
    ways = list((folder / "records/ways").glob("*.many.json"))
    commands = [["plan", *SWEEP[1:]], [word.replace("--seeds=2", "--seeds=3") for word in SWEEP]]
    for command in commands:
        for way in ways:
            way.write_text("{")
        result = ok(run_all([command], folder)[0])
        assert result.err.count("it is chosen again") == len(ways) == 2


def test_a_run_that_diverges_has_an_exit_code_of_its_own(folder: Path) -> None:
    command = [
        "train",
        "--dataset=diabetes",
        "--arch.hidden=4",
        "--learning_rate=1e9",
        "--epochs=3",
    ]
    (result,) = run_all([command], folder)
    assert result.code == 3
    assert "diverged at step" in result.out
    assert "record: " in result.out


def test_a_stopped_sweep_keeps_what_is_finished(tmp_path: Path) -> None:
    sweep = [
        "--train_size=64",
        "--batch_size=16",
        "--grid=arch.hidden=4|4,4|4,4,4|4,4,4,4",
        "--seeds=2",
    ]
    process = start(["sweep", *sweep, "--epochs=200"], tmp_path)
    deadline = time.monotonic() + 60
    while not ids(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send(signal.SIGINT)
    stopped = process.wait()
    kept = ids(tmp_path)
    assert stopped.code == 75, stopped.err
    assert "Traceback" not in stopped.err
    assert "stopped by SIGINT" in stopped.err
    assert 0 < len(kept) < 8
    ok(run_all([["sweep", *sweep, "--epochs=200"]], tmp_path)[0])
    after = ids(tmp_path)
    assert len(after) == 8
    assert {run_id: after[run_id] for run_id in kept} == kept
    assert [path.name for path in (tmp_path / "records/checkpoints").iterdir()] == [
        "checkpoints.json"
    ]


def test_list_and_doctor(folder: Path) -> None:
    kinds = [
        "architectures",
        "activations",
        "optimizers",
        "schedules",
        "regularizers",
        "datasets",
        "tasks",
        "losses",
    ]
    results = run_all([*(["list", kind] for kind in [*kinds, "experiments"]), ["doctor"]], folder)
    for kind, word, result in zip(
        [*kinds, "experiments"],
        [
            "mlp",
            "maxout",
            "chain(",
            "cosine",
            "dropout",
            "csv:FILE",
            "regression",
            "huber",
            "optimizers",
        ],
        results[:-1],
        strict=True,
    ):
        assert word in ok(result).out, kind
    assert "devices: cpu" in results[-1].out


def test_help_has_the_options_of_files_and_folders(folder: Path) -> None:
    (result,) = run_all([["train", "--helpfull"]], folder)
    for words in (
        "csv:FILE: the column to predict",
        "csv:FILE: replace missing numbers",
        "folder:DIR: resize to",
    ):
        assert words in " ".join(result.out.split()), words


def limited(line: list[str], folder: Path, size: int) -> subprocess.CompletedProcess:
    """A launcher whose files cannot grow beyond `size` bytes: what a full disk is to it."""
    # No bytecode: of a module that is first imported here, the limit would leave half a file for
    # all who come later.
    settings = {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", "PYTHONDONTWRITEBYTECODE": "1"}
    environment = {**os.environ, **settings}
    # Limits itself, then becomes the launcher: to do so between fork and exec is unsafe in a
    # process with threads.
    become = (
        f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"
    )
    become += "; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    command = [sys.executable, "-c", become, "-m", *line]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=180
    )


def test_a_full_disk_costs_checkpoints_then_records_and_no_finished_run(tmp_path: Path) -> None:
    sweep = [
        "launch.sweep",
        "--train_size=64",
        "--batch_size=16",
        "--arch.hidden=300,300",
        "--checkpoint_every=4",
    ]
    ok(run_all([["plan", *sweep[1:-1]]], tmp_path)[0])  # decodes the data
    first = limited([*sweep, "--epochs=3"], tmp_path, 200_000)
    assert first.returncode == 0, first.stderr
    assert "cannot write the checkpoint" in first.stderr
    assert "training goes on" in first.stderr
    kept = ids(tmp_path)
    assert len(kept) == 1
    second = limited([*sweep, "--epochs=4"], tmp_path, 1_000)
    assert second.returncode == 2, second.stderr
    assert (
        "/research/" not in second.stderr
    )  # tensorstore may print a trace of its own, and do so last
    assert sum(line.startswith("error: cannot write") for line in second.stderr.splitlines()) == 1
    assert ids(tmp_path) == kept
    ok(run_all([["sweep", *sweep[1:], "--epochs=4"]], tmp_path)[0])  # there is space again
    assert len(ids(tmp_path)) == 2
