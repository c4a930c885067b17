"""A plan as lines: what would be trained, in which programs, and how long it would take."""

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence

from research.data.features.named_arrays import nbytes
from research.sweeps.plan.run_plan import Pack, RequestedRun, UnfitRun, packs, trainable
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records import index
from research.sweeps.records.index import RecordSummary
from research.sweeps.records.provenance import device_kind
from research.sweeps.records.store import Store
from research.training.setup.lane_inputs import footprint
from research.training.step.update import describe_slots
from research.words import plural


def lines(
    planned: Sequence[RequestedRun], records: Store, plans: Planner, note: str = ""
) -> Iterator[str]:
    """The lines of a plan.

    Args:
        planned: the runs; one that comes twice counts once.
        records: what is done already.
        plans: the planner of the runs.
        note: a line of its own after the first.
    """
    runs = trainable(planned)
    summaries = index.lines(records, (run.id for run in runs))
    finished = {run_id: line for run_id, line in summaries.items() if line.status != "damaged"}
    failures = sum(line.status == "failed" for line in finished.values())
    failed = f" ({failures} of them failed; --retry_failed tries these again)" if failures else ""
    missing = len(runs) - len(finished)
    programs = packs(runs)
    yield (
        f"{len(runs)} run{'s' * (len(runs) != 1)} in {len(programs)}"
        f" program{'s' * (len(programs) != 1)}; {len(finished)} done{failed}, {missing} to train"
    )
    if note:
        yield note
    unfit = Counter(run.reason for run in planned if isinstance(run, UnfitRun))
    for reason, count in unfit.items():
        yield f"{plural(count, 'more run')} cannot be trained: {reason}"
    total: float | None = 0.0
    for pack in programs:
        seconds = _seconds(pack, finished, records)
        waiting = sum(run.id not in finished for run in pack.runs)
        yield from _program(pack, finished, seconds, plans)
        if waiting:
            total = None if seconds is None or total is None else total + seconds * waiting
    yield (
        "\ntime for what is missing, one pack after another:"
        f" {'unknown' if total is None else _duration(total)}"
    )


def _program(
    pack: Pack, finished: Container[str], seconds: float | None, plans: Planner
) -> Iterator[str]:
    """What a program is, and what is to be trained with it. seconds: a run."""
    first = pack.runs[0].config
    missing = sum(run.id not in finished for run in pack.runs)
    parameters, state = footprint(first, pack.program)
    data = sum(map(nbytes, plans.arrays(pack.runs[0])[:2]))
    sizes = pack.program.sizes
    how = "fitted on the host" if pack.program.fitted else first.optimizer.name
    yield f"\nprogram {pack.program.id}: {first.arch.name} on {pack.program.spec.name}, {how}"
    yield f"  lanes       {len(pack.runs)}, {missing} to train"
    yield f"  rows        {sizes.train} train, {sizes.validation} validation, {sizes.test} test"
    if not pack.program.fitted:
        yield f"  steps       {pack.program.steps:,} of {sizes.batch} examples each"
        yield f"  parameters  {parameters:,}"
        yield f"  memory      {_bytes(state * len(pack.runs))} of state, {_bytes(data)} of data"
    yield f"  time        {'unknown' if seconds is None else _duration(seconds * missing)}"
    for slot, members in describe_slots(first) if not pack.program.fitted else ():
        yield f"  {slot:<14}{members}"


def _seconds(pack: Pack, finished: Mapping[str, RecordSummary], records: Store) -> float | None:
    """Seconds a run of this program takes on this kind of device, from what its way's timing or
    records say."""
    for kind in ("many", "one"):
        strategy = records.read_json("ways", f"{pack.program.id}.{device_kind()}.{kind}")
        if strategy and strategy["seconds_per_lane_step"]:
            # The engine trains with the fastest of the strategies that it has timed.
            return min(strategy["seconds_per_lane_step"].values()) * pack.program.steps
    trained = [finished[run.id] for run in pack.runs if run.id in finished]
    seconds = [line.seconds for line in trained if line.seconds and line.device == device_kind()]
    return sum(seconds) / len(seconds) if seconds else None


def _bytes(count: float) -> str:
    return f"{count / 2**20:.1f} MiB" if count < 2**30 else f"{count / 2**30:.1f} GiB"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
