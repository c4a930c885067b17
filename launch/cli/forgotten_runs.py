"""Runs that are trained to look at once: their records go nowhere."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from research.sweeps.execute.ensure_records import ensure_records
from research.sweeps.execute.terminal import Terminal
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store


def trained(plans: Planner, requests: Sequence[Mapping[str, Any]]) -> list[Record]:
    """The records of these requests, which are forgotten afterwards."""
    runs = plans.plan(plans.each_fold(requests))
    # Not among the user's records: these runs answer a question of the audit only.
    with tempfile.TemporaryDirectory() as folder:
        by_id = ensure_records(runs, Store(Path(folder)), plans, Terminal())
    return [by_id[run.id] for run in runs]
