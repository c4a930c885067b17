"""MLflow: an SQLite store with a run per record: settings as parameters, curves as metrics by
step."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from research.data.progress_bar import counted
from research.exports import client
from research.sweeps.records.record import Record

_EXPERIMENT = "records"
# Metrics per call; MLflow refuses more.
_BATCH = 1000


def export(records: Sequence[Record], directory: Path, artifacts: Path | None = None) -> str:
    """Writes mlflow.db into the directory; runs that it already has are not written again.

    Tables and figures are the artifacts of a run of their own, which has the name of their folder.

    Args:
        records: the records.
        directory: is made if it does not exist.
        artifacts: a folder of tables and figures; None: there are none.
    """
    mlflow: Any = client("mlflow")
    directory.mkdir(parents=True, exist_ok=True)
    store = f"sqlite:///{(directory / 'mlflow.db').absolute()}"
    api = mlflow.MlflowClient(tracking_uri=store)
    existing = api.get_experiment_by_name(_EXPERIMENT)
    # MLflow would put artifacts into ./mlruns, wherever the command was run.
    files = (directory / "mlflow_artifacts").absolute().as_uri()
    experiment = existing.experiment_id if existing else api.create_experiment(_EXPERIMENT, files)
    # MLflow gives each run an id of its own, so only the name says whether a record is there.
    there = {run.info.run_name for run in _all(api, experiment)}
    for record in counted(records, "exporting", "run"):
        if record.run_id not in there:
            _write(mlflow, api, experiment, record)
    if artifacts is not None:
        run = api.create_run(experiment, run_name=artifacts.name)
        api.log_artifacts(run.info.run_id, str(artifacts))
        api.set_terminated(run.info.run_id)
    return f"wrote {directory / 'mlflow.db'}; mlflow ui --backend-store-uri {store} shows it"


def _all(api: Any, experiment: str) -> list[Any]:
    """Every run of the experiment; a search returns them in pages."""
    runs: list[Any] = []
    token = None
    while True:
        page = api.search_runs([experiment], page_token=token)
        runs += page
        token = page.token
        if not token:
            return runs


def _write(mlflow: Any, api: Any, experiment: str, record: Record) -> None:
    # MLflow counts milliseconds. Records keep only the end of a run, so it is the start too.
    end = int(float(record.provenance.get("finished", 0)) * 1000)
    run = api.create_run(experiment, run_name=record.run_id, start_time=end)
    entities = mlflow.entities
    metrics = [
        entities.Metric(name, float(value), end, epoch)
        for name, curve in record.curves.items()
        for epoch, value in enumerate(curve, 1)
    ]
    metrics += [
        entities.Metric(f"final/{name}", float(value), end, 0)
        for name, value in record.metrics.items()
    ]
    params = [entities.Param(name, str(value)) for name, value in record.config.items()]
    tags = [entities.RunTag("status", record.status)]
    api.log_batch(run.info.run_id, params=params, tags=tags)
    for first in range(0, len(metrics), _BATCH):
        api.log_batch(run.info.run_id, metrics=metrics[first : first + _BATCH])
    api.set_terminated(
        run.info.run_id, "FINISHED" if record.status == "finished" else "FAILED", end_time=end
    )
