"""Simulate: workers on nodes that die, hang and are preempted, with the real queue and claims on a
made-up clock."""

import dataclasses
import heapq
import itertools
import random
import tempfile
from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path

from absl import flags

from research.data.progress_bar import progress
from research.errors import UserError
from research.sweeps.coordinate.claims import BEAT, TIMEOUT, Claims
from research.sweeps.coordinate.membership import LeaseLost
from research.sweeps.coordinate.worker import Worker
from research.sweeps.execute.local_executor import LOOK
from research.sweeps.execute.queue import Queue

RUNS = flags.DEFINE_integer("runs", 100_000, "simulate: how many runs", lower_bound=1)
NODES = flags.DEFINE_integer("nodes", 200, "simulate: how many nodes, a worker each", lower_bound=1)
SIMULATION_SEED = flags.DEFINE_integer(
    "simulation_seed", 0, "simulate: of packs' lengths and accidents"
)

# Lanes a pack and packs a program at most; seconds that a pack takes in the median, and between its
# checkpoints.
WIDTH = 32
PACKS = 64
PACK_SECONDS = 1800.0
SAVE_SECONDS = 300.0
# Seconds between two accidents of a node in the mean, by kind, and until it has a worker again.
ACCIDENTS = {"death": 40_000.0, "preemption": 20_000.0, "hang": 80_000.0}
BACK = {"death": 600.0, "preemption": 120.0, "hang": 0.0}
# A worker that hangs so long is taken for dead.
HANG_SECONDS = 5 * TIMEOUT


@dataclasses.dataclass(frozen=True)
class Stub:
    """A run that is only simulated; all of its program take so many seconds, however many train
    together."""

    id: str
    program: int
    seconds: float


@dataclasses.dataclass
class SimulatedCluster:
    """What all nodes share: the clock, the records and checkpoints, and the count of what happened.

    saved: seconds of training in a run's checkpoint. worked: seconds of all packs together.
    """

    root: Path
    programs: list[list[Stub]]
    draw: random.Random
    now: float = 0.0
    records: Counter[str] = dataclasses.field(default_factory=Counter)
    saved: dict[str, float] = dataclasses.field(default_factory=dict)
    worked: float = 0.0
    happened: Counter[str] = dataclasses.field(default_factory=Counter)


class Accident(Exception):
    """What ends a worker."""


# Yields how long it sleeps.
Work = Generator[float, None, None]


def measure() -> None:
    """Trains make-believe runs on make-believe nodes; prints the makespan against the ideal, and
    what was lost."""
    draw = random.Random(SIMULATION_SEED.value)
    programs = _programs(RUNS.value, draw)
    with tempfile.TemporaryDirectory() as folder:
        world = SimulatedCluster(Path(folder), programs, draw)
        _simulate(world)
        left = sum(1 for _ in (world.root / "claims" / "runs").iterdir())
    runs = [run for of_program in programs for run in of_program]
    lost, twice = (
        sum(wrong(world.records[run.id]) for run in runs)
        for wrong in (lambda n: n < 1, lambda n: n > 1)
    )
    needed = sum(of_program[0].seconds * -(-len(of_program) // WIDTH) for of_program in programs)
    ideal = needed / NODES.value
    accidents = ", ".join(f"{world.happened[kind]:,} {kind}s" for kind in ACCIDENTS)
    print(
        f"{len(runs):,} runs of {len(programs)} programs in packs of {WIDTH} on {NODES.value}"
        f" nodes; {accidents}"
    )
    took = f"makespan {world.now / 3600:.2f} h, {world.now / ideal:.2f} times the ideal"
    print(f"{took} ({ideal / 3600:.2f} h: no accidents, every node busy to the end)")
    print(
        f"training {world.worked / needed:.3f} times what is needed; {world.happened['lapsed']:,}"
        " packs lapsed"
    )
    print(f"runs lost {lost}, recorded twice {twice}, claims left behind {left}")
    if lost or twice or left:
        raise UserError("a promise was broken")


def _programs(count: int, draw: random.Random) -> list[list[Stub]]:
    """So many runs, by program; each program's packs have a length of their own."""
    programs: list[list[Stub]] = []
    while (left := count - sum(map(len, programs))) > 0:
        seconds = PACK_SECONDS * draw.lognormvariate(0, 0.5)
        size = min(left, draw.randint(1, PACKS) * WIDTH)
        programs.append(
            [Stub(f"{draw.getrandbits(64):016x}", len(programs), seconds) for _ in range(size)]
        )
    return programs


def _simulate(world: SimulatedCluster) -> None:
    """Lets each node act when its time has come, until all is recorded and every worker has
    left."""
    numbers = itertools.count()
    due: list[tuple[float, int, Work]] = [
        (0.0, next(numbers), _node(world, place)) for place in range(NODES.value)
    ]
    with progress(sum(map(len, world.programs)), "runs that are simulated", "runs") as bar:
        while due:
            world.now, _, work = heapq.heappop(due)
            before = len(world.records)
            wait = next(work, None)
            bar.update(len(world.records) - before)
            if wait is not None:
                heapq.heappush(due, (world.now + wait, next(numbers), work))


def _node(world: SimulatedCluster, place: int) -> Work:
    """A node: one worker after another, each until its accident or until nothing is left to do."""
    for life in itertools.count():
        worker = Worker(
            f"{world.draw.getrandbits(32):08x}{place:08x}{life:08x}", f"node{place}", life
        )
        # Of a worker on another node nothing is known but its silence.
        claims = Claims(
            world.root,
            worker,
            lambda: world.now,
            lambda other: False,
            lambda run: world.records[run] > 0,
        )
        claims.register()
        times = {
            kind: world.now + world.draw.expovariate(1 / mean) for kind, mean in ACCIDENTS.items()
        }
        try:
            yield from _worker(world, claims, times)
            claims.leave()
            return
        except LeaseLost:
            world.happened["lapsed"] += 1
        except Accident as accident:
            world.happened[str(accident)] += 1
            if str(accident) == "preemption":
                claims.leave()
            yield BACK[str(accident)]


def _worker(world: SimulatedCluster, claims: Claims, times: dict[str, float]) -> Work:
    """Rounds as the executor makes them for a task of a cluster: over when others, who live, hold
    all that is left."""
    while missing := [
        run for of_program in world.programs for run in of_program if not world.records[run.id]
    ]:
        claimed = claims.claimed()
        free = [run for run in missing if run.id not in claimed]
        if not free and claims.take_over():
            claimed = claims.claimed()
            free = [run for run in missing if run.id not in claimed]
        for _, runs in itertools.groupby(free, lambda run: run.program):
            queue = Queue(runs, lambda run: not world.records[run], claims.claimed)
            if claimed:
                queue.begin_at(claims.worker.share)
            while pack := queue.next(WIDTH):
                mine = set(claims.take([run.id for run in pack], len(pack)))
                if mine:
                    yield from _train(world, claims, [run for run in pack if run.id in mine], times)
        if not free and claims.all_live():
            return
        if not free:
            yield from _sleep(world, claims, LOOK, times, [])


def _train(
    world: SimulatedCluster, claims: Claims, pack: Sequence[Stub], times: dict[str, float]
) -> Work:
    """Trains runs from their checkpoints on, those together that are equally far, and records
    them."""
    far = sorted(pack, key=lambda run: -world.saved.get(run.id, 0.0))
    for done, runs in itertools.groupby(far, lambda run: world.saved.get(run.id, 0.0)):
        together = list(runs)
        at = done
        while at < together[0].seconds:
            slice_ = min(SAVE_SECONDS, together[0].seconds - at)
            yield from _sleep(world, claims, slice_, times, together)
            at += slice_
            claims.confirm(run.id for run in together)
            world.saved.update(dict.fromkeys((run.id for run in together), at))
        claims.confirm(run.id for run in together)
        world.records.update(run.id for run in together)
    claims.release([run.id for run in pack])


def _sleep(
    world: SimulatedCluster,
    claims: Claims,
    seconds: float,
    times: dict[str, float],
    pack: Sequence[Stub],
) -> Work:
    """Lets time pass, with a sign of life at each beat. pack: what trains meanwhile. Raises
    Accident, or Lost."""
    until = world.now + seconds
    while world.now < until:
        kind = min(times, key=times.__getitem__)
        before = world.now
        yield max(0.0, min(BEAT, until - world.now, times[kind] - world.now))
        world.worked += (world.now - before) * bool(pack)
        if world.now >= times[kind] and kind == "hang":
            del times[kind]
            world.happened["hang"] += 1
            yield HANG_SECONDS
            until += HANG_SECONDS
        elif world.now >= times[kind]:
            # A preemption is noticed and saved at the next step.
            if kind == "preemption":
                world.saved.update(
                    {
                        run.id: world.saved.get(run.id, 0.0) + seconds - (until - world.now)
                        for run in pack
                    }
                )
            raise Accident(kind)
        claims.beat()
