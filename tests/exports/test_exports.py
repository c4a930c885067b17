"""Exports: each tool's own reader finds the numbers of the records; a tool that is absent is one
line."""

import csv
import importlib.util
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from research.errors import UserError
from research.exports import FORMS, exporter
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from tests.analysis.records import record
from tests.launch.command_lines import run_all

RECORDS = [
    record("a" * 16, 0, 0.1 + 0.2, arch="mlp"),
    record("b" * 16, 1, None, status="diverged", arch="cnn"),
]


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


def test_mlflow_reads_settings_and_metrics(tmp_path: Path) -> None:
    mlflow: Any = pytest.importorskip("mlflow", reason="MLflow is not installed")
    exporter("mlflow")(RECORDS, tmp_path)
    exporter("mlflow")(RECORDS, tmp_path)  # a second time adds nothing
    api = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = api.get_experiment_by_name("records").experiment_id
    runs = {run.info.run_name: run for run in api.search_runs([experiment])}
    assert sorted(runs) == ["a" * 16, "b" * 16]
    run = runs["a" * 16]
    assert run.data.params["arch"] == "mlp"
    assert run.data.metrics["final/test/accuracy"] == 0.1 + 0.2
    history = api.get_metric_history(run.info.run_id, "train/loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 2.0), (2, 0.5), (3, 0.1)]


def test_the_program_exports_a_records_folder(tmp_path: Path) -> None:
    store = Store(tmp_path / "records")
    store.prepare()
    store.write(RECORDS[0])
    done, unknown, nothing = run_all(
        [
            ["export", "--to=parquet", "--out=exported"],
            ["export", "--to=parket", "--out=exported"],
            ["export", "--to=csv", "--out=exported", "--records=nowhere"],
        ],
        tmp_path,
    )
    assert done.out == "1 run: wrote exported/runs.parquet and exported/values.parquet\n"
    assert unknown.err == "error: --to=parket: there is no such format; did you mean parquet?\n"
    assert "nowhere has no records to export" in nothing.err
    assert set(FORMS) == {file.stem for file in Path("research/exports").glob("*.py")} - {
        "__init__",
        "columns",
    }
