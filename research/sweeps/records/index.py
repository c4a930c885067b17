"""The index: how every run ended, in one file made from the records, so that a sweep is read
without opening them.

A line counts only while its record has the size and the time of writing that it had: what is
missing or wrong is read again, and a lost or damaged index is made again.
"""

import contextlib
import dataclasses
import json
import os
import re
from collections.abc import Iterable
from typing import Any

from research.durable_files import write_atomically
from research.errors import UserError
from research.sweeps.records.store import Newer, Store, not_collecting, parse

# 2: each record is the one that its name says; lines of before may not be.
FORMAT = 2


@dataclasses.dataclass(frozen=True)
class RecordSummary:
    """One record in short. written: when, in nanoseconds since 1970; size: in bytes. status: a
    record's, `damaged`, or `newer` for one that newer code wrote.

    seconds: the run's share of its pack's time; device: the kind that trained it. error: what went
        wrong, in a line.
    log: the file that says more.
    """

    written: int
    size: int
    status: str
    seconds: float = 0.0
    device: str = ""
    error: str = ""
    log: str = ""


def lines(store: Store, run_ids: Iterable[str]) -> dict[str, RecordSummary]:
    """The runs that have records, by id; keeps what it had to read for the next time."""
    known = _read(store)
    current: dict[str, RecordSummary] = {}
    changed = False
    with not_collecting():
        for run_id in run_ids:
            try:
                seen = os.stat(store.record_file(run_id))
            except OSError:
                continue
            line = known.get(run_id)
            if line is None or (line.written, line.size) != (seen.st_mtime_ns, seen.st_size):
                line = _line(store, run_id, seen)
                changed = True
            current[run_id] = line
    if changed:
        # Lines of runs that were not asked for stay: sweeps share one index.
        _write(store, known | current)
    return current


def _line(store: Store, run_id: str, seen: os.stat_result) -> RecordSummary:
    """What a record says in short."""
    try:
        record = parse(store.path(run_id).read_bytes(), run_id)
    except Newer as error:
        return RecordSummary(
            seen.st_mtime_ns, seen.st_size, "newer", error=f"newer code wrote its record ({error})"
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        return RecordSummary(
            seen.st_mtime_ns, seen.st_size, "damaged", error=f"its record is damaged ({error})"
        )
    origin = record.provenance
    seconds = float(origin.get("seconds", 0.0))
    device = str(origin.get("device", ""))
    # Of a process that died it is a log; an exception's traceback is in the record itself.
    named = re.search(r"its log (\S+) ends with", record.error)
    more = str(store.path(run_id)) if "\n" in record.error else ""
    log = named[1] if named else more
    return RecordSummary(
        seen.st_mtime_ns, seen.st_size, record.status, seconds, device, record.cause, log
    )


def _read(store: Store) -> dict[str, RecordSummary]:
    """The index as it is; empty where it is not there or does not read back."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
        content = json.loads((store.root / "index.json").read_text())
        if content["format"] == FORMAT:
            return {run_id: RecordSummary(*fields) for run_id, fields in content["runs"].items()}
    return {}


def _write(store: Store, known: dict[str, RecordSummary]) -> None:
    """Where the records cannot be written to, each look reads them again."""
    runs: dict[str, Any] = {run_id: dataclasses.astuple(line) for run_id, line in known.items()}
    with contextlib.suppress(UserError):
        write_atomically(store.root / "index.json", json.dumps({"format": FORMAT, "runs": runs}))
