"""Choosing an execution strategy: lanes per chunk, steps per dispatch and devices.

It is chosen once per program and kind of device, and then kept.
"""

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence

import jax

from research.config import RunConfig
from research.data.spec import Arrays
from research.training.devices.strategy import EIGEN_CONVOLUTIONS, ExecutionStrategy
from research.training.devices.vmap import accepts
from research.training.engine import chunk as chunk_lib
from research.training.engine import loop
from research.training.engine.chunk import PackSetup, StreamingPolicy
from research.training.setup.lane_inputs import kernel_ranks
from research.training.setup.program import Program

# The most lanes mapped together: beyond it a dense step gains nothing, and its memory grows.
MAX_LANES = 32
# The most steps per dispatch: beyond it the dispatch itself no longer costs anything.
MAX_DISPATCH_STEPS = 64
# How many pieces of dispatches are timed per candidate, once their length has settled.
TIMED = 3
# Other strategies are timed only if the default takes more seconds than this, since each timing
# costs a compilation.
WORTH_SECONDS = 30.0
# A pack of so few steps ends sooner than the default is timed.
FEW_STEPS = 100
# Another strategy must be this much faster: timings are noisy, and the default is compiled already.
MARGIN = 0.9

Timer = Callable[[Program, Sequence[RunConfig], Arrays, ExecutionStrategy, StreamingPolicy], float]


def choose_strategy(
    program: Program,
    config: RunConfig,
    lanes: int,
    time_strategy: Callable[[ExecutionStrategy], float],
    max_lanes: Callable[[ExecutionStrategy], int] = lambda strategy: strategy.width,
) -> tuple[ExecutionStrategy, dict[str, float]]:
    """Times the candidates and returns the fastest.

    The default is timed first. The others are timed only if the pack trains long enough to earn
    back their compilation.

    Args:
        program: what the lanes share.
        config: the config of one of the runs.
        lanes: how many lanes the strategy is for.
        time_strategy: seconds per lane and step; infinite if memory runs out.
        max_lanes: how many lanes of a strategy fit into the device's memory.

    Returns:
        The strategy, and the timings by strategy in seconds per lane and step.
    """
    default, *others = candidates(program, config, lanes)
    most = max_lanes(default)
    if most < default.width:
        default, *others = candidates(program, config, lanes, most)
    timings = {default: time_strategy(default)} if others else {}
    if timings and timings[default] * lanes * program.steps > WORTH_SECONDS:
        timings |= {strategy: time_strategy(strategy) for strategy in others}
    best = min(timings, key=timings.__getitem__, default=default)
    if best != default and timings[best] > MARGIN * timings[default]:
        best = default
    return best, {str(strategy): took for strategy, took in timings.items() if math.isfinite(took)}


def data_parallel(program: Program, config: RunConfig, replicas: int) -> ExecutionStrategy:
    """The strategy of a run that is spread over devices.

    Nothing is timed, so that all its processes choose the same strategy.

    Args:
        program: the run's program.
        config: its config.
        replicas: number of devices.
    """
    return ExecutionStrategy(
        1, 1 if _convolves(program, config) else MAX_DISPATCH_STEPS, replicas=replicas
    )


def _convolves(program: Program, config: RunConfig) -> bool:
    """Whether it has convolutions that run on a CPU, where one inside a loop is slow."""
    return jax.default_backend() == "cpu" and max(kernel_ranks(config, program), default=0) > 2


def candidates(
    program: Program, config: RunConfig, lanes: int, most: int = MAX_LANES
) -> Iterator[ExecutionStrategy]:
    """The strategies worth timing, the usual best first.

    Args:
        program: the lanes' program.
        config: the config of one of them.
        lanes: how many runs of the program there are.
        most: the largest number of lanes per chunk.
    """
    devices = len(jax.local_devices())
    device_counts = {1, devices if lanes > 1 else 1}
    if _convolves(program, config):
        # Mapped over lanes, a convolution becomes a grouped one, which no CPU library does
        # well, and inside a loop it is slow: convolutions run one lane at a time.
        yield from (ExecutionStrategy(1, 1, count) for count in sorted(device_counts, reverse=True))
        # On one device alone: it takes all threads, which chunks on several devices share.
        if lanes * program.steps > FEW_STEPS and accepts(EIGEN_CONVOLUTIONS):
            yield ExecutionStrategy(1, 1, compiler_options=EIGEN_CONVOLUTIONS)
        return
    # As many lanes in each chunk: idle ones would be computed too.
    widest = math.ceil(lanes / math.ceil(lanes / most))
    yield ExecutionStrategy(widest, MAX_DISPATCH_STEPS)
    for width in sorted({1, min(8, widest), widest} - {widest}, reverse=True):
        yield ExecutionStrategy(width, MAX_DISPATCH_STEPS)
    yield from (
        ExecutionStrategy(width, MAX_DISPATCH_STEPS, devices)
        for width in sorted({1, min(8, widest)})
        if devices > 1 and lanes > width
    )


def time_strategy(
    program: Program,
    configs: Sequence[RunConfig],
    arrays: Arrays,
    strategy: ExecutionStrategy,
    memory: StreamingPolicy,
) -> float:
    """Seconds per lane and step, over a few pieces of dispatches of one chunk per device.

    Args:
        program: the lanes' program.
        configs: their configs.
        arrays: their data.
        strategy: what is timed.
        memory: how much data may lie on a device.
    """
    lanes = min(len(configs), strategy.width * strategy.devices)
    pace = loop.adaptive_dispatch(program, strategy)

    def epochs(chunk: chunk_lib.Chunk) -> Generator[int, None, None]:
        for epoch in itertools.cycle(range(program.config.epochs)):
            with contextlib.closing(
                loop.dispatches(program, chunk, strategy, epoch, pace=pace)
            ) as pieces:
                yield from pieces

    with program.precision_context(), contextlib.ExitStack() as stack:
        chunks = chunk_lib.start(
            program, configs[:lanes], arrays, strategy, PackSetup(memory=memory)
        )
        running = [stack.enter_context(contextlib.closing(epochs(chunk))) for chunk in chunks]

        def seconds() -> float:
            """Of an update, in the next pieces."""
            begin = time.perf_counter()
            with pace.measure(lambda: jax.block_until_ready([chunk.state for chunk in chunks])):
                (count,) = {next(pieces) for pieces in running}
            # Once settled, `measure` no longer waits, and the clock must.
            jax.block_until_ready([chunk.state for chunk in chunks])
            return (time.perf_counter() - begin) / count

        # Compilation and the growing pieces are not timed.
        while not pace.settled:
            seconds()
        # The minimum: other load on the machine only ever adds time.
        return min(seconds() for _ in range(TIMED)) / lanes
