"""Ways of running: how many lanes a chunk, steps a dispatch and devices; chosen once a program and
kept."""

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence

import jax

from research.config import RunConfig
from research.data.spec import Arrays
from research.training import chunk as chunk_lib
from research.training.chunk import Memory
from research.training.inputs import kernel_ranks
from research.training.program import Program
from research.training.way import Way

# Lanes mapped together at most: beyond it a dense step gains nothing more and its memory grows.
WIDEST = 32
# Steps a dispatch at most: beyond it the dispatch is no longer what costs.
LONGEST = 64
# Pieces of dispatches timed of each candidate, once they are as long as they get.
TIMED = 3
# Other ways are timed only where the default would take this many seconds: each costs a
# compilation.
WORTH_SECONDS = 30.0
# And taken only where they are so much faster: timings are noisy, and the default is compiled
# already.
MARGIN = 0.9

Timer = Callable[[Program, Sequence[RunConfig], Arrays, Way, Memory], float]


def choose(
    program: Program,
    config: RunConfig,
    lanes: int,
    time_way: Callable[[Way], float],
    widest: Callable[[Way], int] = lambda way: way.width,
) -> tuple[Way, dict[str, float]]:
    """The fastest way for so many lanes, and what was timed: seconds a lane and step, by way.

    time_way: infinite where memory runs out. widest: how many lanes of a way the device's memory
        takes.

    The default is timed first; the others only where the pack is long enough to earn back their
    compilation.
    """
    default, *others = candidates(program, config, lanes)
    if (most := widest(default)) < default.width:
        default, *others = candidates(program, config, lanes, most)
    timings = {default: time_way(default)} if others else {}
    if timings and timings[default] * lanes * program.steps > WORTH_SECONDS:
        timings |= {way: time_way(way) for way in others}
    best = min(timings, key=timings.__getitem__, default=default)
    if best != default and timings[best] > MARGIN * timings[default]:
        best = default
    return best, {str(way): took for way, took in timings.items() if math.isfinite(took)}


def spread(program: Program, config: RunConfig, replicas: int) -> Way:
    """The way of a run that is spread over devices; nothing is timed, so that all its processes
    choose the same."""
    return Way(1, 1 if _convolves(program, config) else LONGEST, replicas=replicas)


def _convolves(program: Program, config: RunConfig) -> bool:
    """Whether it has convolutions that run on a CPU, where one inside a loop is slow."""
    return jax.default_backend() == "cpu" and max(kernel_ranks(config, program), default=0) > 2


def candidates(
    program: Program, config: RunConfig, lanes: int, most: int = WIDEST
) -> Iterator[Way]:
    """The ways worth timing, of at most so many lanes a chunk, the one that is best in most cases
    first.

    On a CPU a mapped convolution is a grouped one, which no library does well, and one inside a
    loop is slow: convolutions run one lane at a time, spread over the host's devices.
    """
    devices = len(jax.local_devices())
    spread = {1, devices if lanes > 1 else 1}
    if _convolves(program, config):
        yield from (Way(1, 1, count) for count in sorted(spread, reverse=True))
        return
    widest = min(lanes, most)
    yield Way(widest, LONGEST)
    for width in sorted({1, min(8, widest), widest} - {widest}, reverse=True):
        yield Way(width, LONGEST)
    yield from (
        Way(width, LONGEST, devices)
        for width in sorted({1, min(8, widest)})
        if devices > 1 and lanes > width
    )


def time_way(
    program: Program, configs: Sequence[RunConfig], arrays: Arrays, way: Way, memory: Memory
) -> float:
    """Seconds a lane and step, over a few pieces of dispatches of one chunk a device. memory: what
    lies there."""
    lanes = min(len(configs), way.width * way.devices)
    pace = chunk_lib.paced(program, way)

    def epochs(chunk: chunk_lib.Chunk) -> Generator[int, None, None]:
        for epoch in itertools.cycle(range(program.config.epochs)):
            with contextlib.closing(
                chunk_lib.dispatches(program, chunk, way, epoch, pace=pace)
            ) as pieces:
                yield from pieces

    with program.numbers(), contextlib.ExitStack() as stack:
        chunks = chunk_lib.start(program, configs[:lanes], arrays, way, memory=memory)
        running = [stack.enter_context(contextlib.closing(epochs(chunk))) for chunk in chunks]

        def seconds() -> float:
            """Of an update, in the next pieces."""
            begin = time.perf_counter()
            with pace.piece(lambda: jax.block_until_ready([chunk.state for chunk in chunks])):
                (count,) = {next(pieces) for pieces in running}
            jax.block_until_ready([chunk.state for chunk in chunks])
            return (time.perf_counter() - begin) / count

        while not pace.settled:
            seconds()
        return min(seconds() for _ in range(TIMED)) / lanes
