"""Workspace: the folders that calls use, with the shared planner, records and progress display."""

import dataclasses
import functools
import os
from collections.abc import Sequence
from pathlib import Path

import research.catalogue  # noqa: F401  (fills the registries)
from research import runtime
from research.config import RunConfig
from research.data.source import open_source
from research.data.spec import Source
from research.errors import UserError
from research.sweeps.execute.ensure_records import ensure_records
from research.sweeps.execute.execution_options import Execution
from research.sweeps.execute.terminal import Terminal
from research.sweeps.plan.run_plan import RequestedRun
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.sweeps.records.saved_parameters import Parameters
from research.sweeps.records.store import Store


@dataclasses.dataclass(frozen=True)
class Workspace:
    """The folders of a call.

    Attributes:
        records: folder of the records.
        cache_dir: folder of decoded data and compiled programs.
        data_dir: folder of prepared TFDS data sets; None: $TFDS_DATA_DIR, else
            ~/tensorflow_datasets.
    """

    records: str = "records"
    cache_dir: str = ".cache"
    data_dir: str | None = None

    @functools.cached_property
    def monitor(self) -> Terminal:
        """The display of progress, notes and warnings."""
        # A second Ctrl-C must not end the process: it is the user's interpreter or notebook.
        return Terminal(
            again=False, stopping="stopping at the next step, to save what is under way"
        )

    @functools.cached_property
    def store(self) -> Store:
        """The records of the folder."""
        return Store(Path(self.records), self.monitor.warn)

    def prepare(self) -> None:
        """Sets what JAX reads before its first use: host devices, compile cache, precision."""
        runtime.prepare(self.cache_dir, self.records)

    @functools.cached_property
    def planner(self) -> Planner:
        """The planner, which keeps opened data sets and traced programs for later calls."""
        # Before planning, which asks JAX for devices: their number is fixed from then on.
        self.prepare()
        return Planner(self._open, Parameters(self.store))

    def _open(self, config: RunConfig) -> Source:
        name, options = config.dataset.name, dict(config.dataset.options)
        return open_source(
            name, options, data_dir=self.data_dir, cache_dir=self.cache_dir, task=config.task
        )

    def obtain(
        self, runs: Sequence[RequestedRun], keep_params: bool, keep_predictions: bool = False
    ) -> dict[str, Record]:
        """The records of the runs, after training those that have none.

        Args:
            runs: the runs.
            keep_params: whether their parameters are kept.
            keep_predictions: whether their predictions are kept.

        Raises:
            UserError: a run failed.
        """
        # A failed run is tried again: in a notebook its cause is usually mended between two calls.
        execution = Execution(
            keep_params=keep_params, keep_predictions=keep_predictions, retry_failed=True
        )
        records = ensure_records(runs, self.store, self.planner, self.monitor, execution=execution)
        for record in records.values():
            if record.status == "failed":
                raise UserError(f"run {record.run_id} failed: {record.cause}")
        return records


def workspace(records: str, cache_dir: str, data_dir: str | None) -> Workspace:
    """The workspace of these folders; calls with the same folders share programs and data.

    Args:
        records: folder of the records.
        cache_dir: folder of decoded data and compiled programs.
        data_dir: prepared TFDS sets; None: $TFDS_DATA_DIR, else ~/tensorflow_datasets.
    """
    return _workspace(os.getcwd(), records, cache_dir, data_dir)


# By the current folder too: in another one, the same relative folders are others.
@functools.cache
def _workspace(current: str, records: str, cache_dir: str, data_dir: str | None) -> Workspace:
    return Workspace(records, cache_dir, data_dir)
