"""The local executor: packs from a queue, a few at a time, each ending in records."""

import concurrent.futures
import dataclasses
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from research import config as config_lib
from research.data.spec import Arrays
from research.errors import UserError
from research.sweeps.plan import Pack, Run
from research.sweeps.provenance import device_kind, provenance
from research.sweeps.record import Record
from research.sweeps.store import Store
from research.training import loop, ways
from research.training.inputs import footprint
from research.training.lanes import Way

# Packs under way at once: while one is compiled on one core, another trains.
WORKERS = 2


class Stopped(Exception):
    """The user asked to stop."""


@dataclasses.dataclass(frozen=True)
class Report:
    """Live progress: called with how many lane-epochs were just done, and with each record written."""

    epochs: Callable[[int], None] = lambda count: None
    record: Callable[[Record], None] = lambda record: None


def execute(
    packs: Sequence[Pack],
    store: Store,
    arrays_of: Callable[[Run], Arrays],
    report: Report,
    totals: dict[str, int] | None = None,
    timer: ways.Timer = ways.time_way,
) -> None:
    """Trains every run of the packs and writes its record. totals: lanes of a program in the whole sweep, by id.

    A pack that fails leaves `failed` records and the others go on. Ctrl-C stops at the next epoch; what is
    finished stays.
    """
    stop = threading.Event()

    def one(pack: Pack) -> None:
        lanes = (totals or {}).get(pack.program.id, len(pack.runs))
        _train(pack, store, arrays_of, lanes, report, stop, timer)

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        futures = [pool.submit(one, pack) for pack in packs]
        try:
            for future in concurrent.futures.as_completed(futures):
                future.result()
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            raise


def _train(
    pack: Pack,
    store: Store,
    arrays_of: Callable[[Run], Arrays],
    lanes: int,
    report: Report,
    stop: threading.Event,
    timer: ways.Timer,
) -> None:
    """Trains one pack and writes its records."""
    configs = [run.config for run in pack.runs]
    started = time.time()
    done = 0

    def on_epoch(progress: loop.Progress) -> None:
        nonlocal done
        if stop.is_set():
            raise Stopped
        report.epochs(progress.lanes)
        done += progress.lanes

    try:
        arrays = arrays_of(pack.runs[0])
        way = way_of(pack, store, lanes, lambda candidate: timer(pack.program, configs, arrays, candidate))
        outcomes = loop.train(pack.program, configs, arrays, way, on_epoch)
    except (UserError, Stopped):
        raise
    except Exception:
        for run in pack.runs:
            failed = Record(run.id, "failed", config_lib.flat(run.config), error=traceback.format_exc())
            store.write(failed)
            report.record(failed)
        report.epochs(len(configs) * pack.program.config.epochs - done)
        return
    report.epochs(len(configs) * pack.program.config.epochs - done)
    origin = provenance(way, len(configs), time.time() - started, started)
    parameters, _ = footprint(configs[0], pack.program)
    for run, outcome in zip(pack.runs, outcomes, strict=True):
        record = _record(run, outcome, parameters, origin)
        store.write(record)
        report.record(record)


def _record(run: Run, outcome: loop.Outcome, parameters: int, origin: dict[str, Any]) -> Record:
    return Record(
        run_id=run.id,
        status="finished" if outcome.diverged_at is None else "diverged",
        config=config_lib.flat(run.config),
        metrics=outcome.metrics,
        curves=outcome.curves,
        checksums=outcome.checksums,
        parameters=parameters,
        steps=outcome.steps,
        diverged_at=outcome.diverged_at,
        provenance=origin,
    )


def way_of(pack: Pack, store: Store, lanes: int, time_way: Callable[[Way], float]) -> Way:
    """The program's way on this kind of device: the stored one, else chosen now and stored before the first step.

    A run alone and a sweep's lanes have a way each, so that one run's does not slow a later sweep. Whether it is
    a sweep goes by all its lanes, done ones included, so that a resumed sweep keeps its way.
    """
    name = f"{pack.program.id}.{device_kind()}.{'one' if lanes == 1 else 'many'}"
    stored = store.read_json("ways", name)
    if stored is not None:
        return Way(**stored["way"])
    way, timings = ways.choose(pack.program, pack.runs[0].config, lanes, time_way)
    store.write_json("ways", name, {"way": dataclasses.asdict(way), "seconds_per_lane_step": timings})
    return way
