"""Exports: each tool's own reader finds the numbers of the records; a tool that is absent is one
line."""

import csv
import dataclasses
import importlib.util
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from research.errors import UserError
from research.exports import FORMS, exporter
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from tests.support.command_lines import run_all
from tests.support.records import record

TASK = {"task": "classification", "loss": "cross_entropy"}
RECORDS = [
    record("a" * 16, 0, 0.1 + 0.2, arch="mlp", **TASK),
    record("b" * 16, 1, None, status="diverged", arch="cnn", **TASK),
]
TABLE = "method,accuracy\nnone,0.9\n"


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A folder with a table, to be attached to what is exported."""
    folder = tmp_path / "rates"
    folder.mkdir()
    (folder / "table.csv").write_text(TABLE)
    return folder


def expected(of: Record) -> set[tuple[str, str, int | None, float]]:
    """Every number of a record: (run, attribute, epoch, value)."""
    curves = {
        (of.run_id, name, epoch, v)
        for name, curve in of.curves.items()
        for epoch, v in enumerate(curve, 1)
    }
    return curves | {(of.run_id, name, None, value) for name, value in of.metrics.items()}


def test_parquet_has_every_number_and_every_setting(tmp_path: Path) -> None:
    exporter("parquet")(RECORDS, tmp_path)
    values = parquet.read_table(tmp_path / "values.parquet").to_pylist()
    assert {tuple(row.values()) for row in values} == expected(RECORDS[0]) | expected(RECORDS[1])
    runs = parquet.read_table(tmp_path / "runs.parquet").to_pylist()
    assert [
        (row["run"], row["status"], row["arch"], row["test/accuracy"], row["diverged_at"])
        for row in runs
    ] == [
        ("a" * 16, "finished", "mlp", 0.1 + 0.2, None),
        ("b" * 16, "diverged", "cnn", None, 7),
    ]


def test_csv_has_every_number_in_full_precision(tmp_path: Path) -> None:
    exporter("csv")(RECORDS, tmp_path)
    with (tmp_path / "values.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    read = {
        (r["run"], r["attribute"], int(r["step"]) if r["step"] else None, float(r["value"]))
        for r in rows
    }
    assert read == expected(RECORDS[0]) | expected(RECORDS[1])


def test_tensorboard_reads_the_curves(tmp_path: Path) -> None:
    """Curves are read back; TensorBoard stores float32."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    exporter("tensorboard")(RECORDS, tmp_path)
    (folder,) = tmp_path.glob("*" + "a" * 16)
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    read = [(event.step, event.value) for event in accumulator.Scalars("train/loss")]
    assert read == [(1, 2.0), (2, 0.5), (3, pytest.approx(0.1))]


@pytest.mark.parametrize("form", ["mlflow", "trackio", "wandb"])
def test_a_tool_that_is_absent_is_named(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec(form) is not None:
        pytest.skip(f"{form} is installed")
    with pytest.raises(
        UserError, match=f"--to={form} requires the package {form}: pip install {form}"
    ):
        exporter(form)(RECORDS, tmp_path)


def test_mlflow_reads_settings_metrics_and_tables(tmp_path: Path, tables: Path) -> None:
    mlflow: Any = pytest.importorskip("mlflow", reason="MLflow is not installed")
    exporter("mlflow")(RECORDS, tmp_path)
    exporter("mlflow")(RECORDS, tmp_path, tables)  # of the runs, a second time adds nothing
    api = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = api.get_experiment_by_name("records").experiment_id
    runs = {run.info.run_name: run for run in api.search_runs([experiment])}
    assert sorted(runs) == ["a" * 16, "b" * 16, "rates"]
    file = api.download_artifacts(runs["rates"].info.run_id, "table.csv", str(tmp_path / "read"))
    assert Path(file).read_text() == TABLE
    run = runs["a" * 16]
    assert run.data.params["arch"] == "mlp"
    assert run.data.metrics["final/test/accuracy"] == 0.1 + 0.2
    history = api.get_metric_history(run.info.run_id, "train/loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 2.0), (2, 0.5), (3, 0.1)]


def wandb_values(items: Any) -> dict[str, Any]:
    """The values of a record's items by name."""
    names = [item.nested_key[0] if item.nested_key else item.key for item in items]
    return {name: json.loads(item.value_json) for name, item in zip(names, items, strict=True)}


def wandb_records(file: Path) -> list[Any]:
    """The records of a .wandb file: protobufs in LevelDB's log format, after a header of 7 bytes.

    Blocks have 32 KiB. A chunk has a checksum, a length, and a type: whole 1, first 2, middle 3,
    last 4.
    """
    from wandb.proto import wandb_internal_pb2

    content = file.read_bytes()
    assert content[:4] == b":W&B"
    records = []
    at, parts = 7, b""
    while at + 7 <= len(content):
        if 2**15 - at % 2**15 < 7:  # too little for a header: zeros fill the block
            at += 2**15 - at % 2**15
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + 7])
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            records.append(wandb_internal_pb2.Record.FromString(parts))
            parts = b""
    return records


def test_wandbs_file_has_settings_metrics_and_tables(tmp_path: Path, tables: Path) -> None:
    pytest.importorskip("wandb", reason="Weights & Biases is not installed")
    exporter("wandb")(RECORDS, tmp_path)
    exporter("wandb")(RECORDS, tmp_path, tables)  # of the runs, a second time adds nothing
    files = {file.stem: file for file in tmp_path.glob("wandb/offline-run-*/*.wandb")}
    assert sorted(files) == ["run-" + "a" * 16, "run-" + "b" * 16, "run-rates"]
    records = wandb_records(files["run-" + "a" * 16])
    steps = [wandb_values(record.history.item) for record in records if record.history.item]
    curve = [(step["_step"], step["train/loss"]) for step in steps]
    assert curve == [(1, 2.0), (2, 0.5), (3, 0.1)]
    (config,) = [wandb_values(record.run.config.update) for record in records if record.run.run_id]
    assert config["arch"] == "mlp"
    summary = dict[str, Any]()
    for each in records:
        summary |= wandb_values(each.summary.update)
    assert summary["test/accuracy"] == 0.1 + 0.2
    assert summary["status"] == "finished"
    artifacts = [record.artifact for record in wandb_records(files["run-rates"])]
    paths = [entry.path for each in artifacts for entry in each.manifest.contents]
    assert paths == ["table.csv"]


# In a process of its own, since Trackio reads its folder once, when it is imported.
TRACKIO = """
import json, sys
from pathlib import Path
from research.exports import exporter
from tests.exports.test_exports import RECORDS
directory, tables = map(Path, sys.argv[1:])
exporter("trackio")(RECORDS, directory)
exporter("trackio")(RECORDS, directory, tables)  # of the runs, a second time adds nothing
import trackio
from trackio.sqlite_storage import SQLiteStorage
print(json.dumps([
    SQLiteStorage.get_runs("records"),
    SQLiteStorage.get_run_config("records", "a" * 16),
    SQLiteStorage.get_logs("records", "a" * 16),
]))
"""


def test_trackio_reads_settings_metrics_and_tables(tmp_path: Path, tables: Path) -> None:
    if importlib.util.find_spec("trackio") is None:
        pytest.skip("Trackio is not installed")
    command = [sys.executable, "-c", TRACKIO, str(tmp_path / "out"), str(tables)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    runs, config, logs = json.loads(done.stdout)
    assert sorted(runs) == ["a" * 16, "b" * 16, "rates"]
    assert (config["arch"], config["status"]) == ("mlp", "finished")
    *epochs, final = logs
    curve = [(epoch["step"], epoch["train/loss"]) for epoch in epochs]
    assert curve == [(1, 2.0), (2, 0.5), (3, 0.1)]
    assert final["final/test/accuracy"] == 0.1 + 0.2
    stored = [file for file in (tmp_path / "out").rglob("*/blobs/**/*") if file.is_file()]
    assert [file.read_text() for file in stored] == [TABLE]


def test_the_program_exports_a_records_folder(tmp_path: Path) -> None:
    store = Store(tmp_path / "records")
    store.prepare()
    for each in RECORDS:
        store.write(each)
    request = {"dataset": "digits", "arch": "mlp"}
    requests = [{**request, "seed": 0}, {**request, "arch": "cnn", "seed": 1}]
    ids = [each.run_id for each in RECORDS]
    sweep = SweepSpec(requests, ["arch"], runs=ids, epochs=[3, 3])
    store.write_json("sweeps", "archs", dataclasses.asdict(sweep))
    done, unknown, nothing, swept, both = run_all(
        [
            ["export", "--to=parquet", "--out=exported"],
            ["export", "--to=parket", "--out=exported"],
            ["export", "--to=csv", "--out=exported", "--records=nowhere"],
            ["export", "--to=csv", "--name=archs", "--out=swept"],
            ["export", "--to=csv", "--name=archs", "--experiment=digits", "--out=swept"],
        ],
        tmp_path,
    )
    assert done.out == "2 runs: wrote exported/runs.parquet and exported/values.parquet\n"
    assert unknown.err == "error: --to=parket: there is no such format; did you mean parquet?\n"
    assert "nowhere has no records to export" in nothing.err
    assert swept.out == (
        "2 runs: wrote swept/runs.csv and swept/values.csv\n"
        "wrote the table and its figures into swept/tables/archs\n"
    )
    written = {file.name for file in (tmp_path / "swept/tables/archs").iterdir()}
    assert {f"table.{form}" for form in ("csv", "html", "json", "md", "tex")} <= written
    assert any(name.endswith(".png") for name in written)
    assert "--name and --experiment exclude each other" in both.err
    assert set(FORMS) == {file.stem for file in Path("research/exports").glob("*.py")} - {
        "__init__",
        "columns",
    }
