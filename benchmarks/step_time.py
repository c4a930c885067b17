"""Step time: an update of each architecture, beside a PyTorch network of the same shape."""

import itertools
import os
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from absl import flags

from research.data import in_memory
from research.data.in_memory import InMemorySource
from research.data.spec import Arrays
from research.errors import UserError, nearest
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.training.devices import strategy_choice
from research.training.engine import chunk as chunk_lib
from research.training.engine import chunk_batches, loop
from research.training.setup.lane_inputs import footprint

AGAINST = flags.DEFINE_enum(
    "against", None, ["torch"], "step: what it is compared with; none: timed alone"
)
ARCH = flags.DEFINE_list("arch", None, "step: architectures; none: all that there are settings for")
BATCH = flags.DEFINE_integer("batch_size", 32, "step: examples an update", lower_bound=1)
TURNS = flags.DEFINE_integer(
    "turns", 7, "step: timings of each, in turns; medians are reported", lower_bound=1
)
TURN_SECONDS = flags.DEFINE_float(
    "turn_seconds", 0.5, "step: about how long a timing takes", lower_bound=0.0
)

CLASSES = 10
MOST_CLASSES = 26
STEPS = 32


def _digits(rows: int) -> InMemorySource:
    return in_memory.images(28, 1, rows, CLASSES)


def _pictures(rows: int) -> InMemorySource:
    return in_memory.images(32, 3, rows, CLASSES)


def _series(rows: int) -> InMemorySource:
    """Series [28, 28] of numbers: the digits' rows."""
    return in_memory.series(_digits(rows))


def _text(rows: int) -> InMemorySource:
    """Tokens [64] of 26 symbols, none of them padding."""
    padded = in_memory.text(64, rows, 26)
    x, y = (np.maximum(tokens, 0) for tokens in padded.data[:2])
    return InMemorySource(padded.spec, Arrays(x, y, padded.data.own_test))


# (data, options, parameters that PyTorch has more: its recurrent layers have two biases where one
# is enough.)
CASES: dict[str, tuple[Callable[[int], InMemorySource], dict[str, Any], int]] = {
    "mlp": (_digits, {}, 0),
    "cnn": (_digits, {}, 0),
    "lenet5": (_digits, {}, 0),
    "alexnet_small": (_digits, {}, 0),
    "vgg": (_pictures, {"depth": "11", "width": 16}, 0),
    "resnet": (_pictures, {"depth": 20}, 0),
    "wide_resnet": (_pictures, {"depth": 10, "width": 2}, 0),
    "densenet": (_pictures, {"blocks": (3, 3, 3)}, 0),
    "rnn": (_digits, {}, 128),
    "lstm": (_digits, {}, 4 * 128),
    "gru": (_digits, {}, 2 * 128),
    "tcn": (_digits, {"levels": 3}, 0),
    "gpt": (_text, {}, 0),
    "transformer_encoder": (_series, {}, 0),
    "vit": (_digits, {}, 0),
}


def measure() -> None:
    """Milliseconds an update (SGD with momentum) of a run by itself, with the strategy that the
    engine would train it.

    Both take turns in this process, with its allocator and all its cores; PyTorch is eager, with
    its defaults.
    """
    names = ARCH.value or list(CASES)
    for name in names:
        if name not in CASES:
            raise UserError(f"no step of '{name}' is measured; {nearest(name, CASES)}")
    if AGAINST.value:
        _need_torch()
    print(f"batches of {BATCH.value}, {_cores()} cores; medians of {TURNS.value} turns\n")
    more = " PyTorch (ms) | ours / PyTorch |" if AGAINST.value else ""
    print(f"| architecture | setting | parameters | ours (ms) |{more}")
    print("| --- | --- | ---: | ---: |" + " ---: | ---: |" * bool(AGAINST.value))
    for name in names:
        print(_row(name), flush=True)


def _need_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError:
        raise UserError(
            "PyTorch is not installed; pip install -r requirements-dev.txt brings it"
        ) from None


def _cores() -> int:
    """Those that this process may use; on the one of `taskset -c 0` PyTorch's threads wait for no
    other process."""
    return len(os.sched_getaffinity(0))


def _row(name: str) -> str:
    source, run, more = _case(name, BATCH.value)
    parameters, _ = footprint(run.config, run.program)
    timers = [_timer(source, run)]
    if AGAINST.value:
        from benchmarks import pytorch

        x, y, *_ = source.data
        theirs, timer = pytorch.step_timer(name, x, y, BATCH.value, _cores())
        if theirs != parameters + more:
            raise AssertionError(
                f"{name} has {parameters} parameters, and PyTorch's {theirs}, not {more} more"
            )
        timers.append(timer)
    times = _in_turns(timers)
    cells = [f"{1000 * statistics.median(each):.2f}" for each in times]
    if len(times) > 1:
        cells.append(f"{statistics.median(a / b for a, b in zip(*times, strict=True)):.2f}")
    setting = (
        ", ".join(f"{option}={value}" for option, value in CASES[name][1].items()) or "default"
    )
    return f"| {name} | {setting} | {parameters:,} | " + " | ".join(cells) + " |"


def _in_turns(timers: list[Callable[[int], float]]) -> list[list[float]]:
    """The seconds of a step in each turn of each timer."""
    counts = []
    for timer in timers:
        timer(1)  # compiles
        counts.append(max(1, round(TURN_SECONDS.value / timer(2))))
    turns = [
        [timer(count) for timer, count in zip(timers, counts, strict=True)]
        for _ in range(TURNS.value)
    ]
    return [list(each) for each in zip(*turns, strict=True)]


def _case(name: str, batch: int) -> tuple[InMemorySource, PlannedRun, int]:
    """The data of an architecture, the run on them, and how many parameters more PyTorch's network
    has."""
    data, options, more = CASES[name]
    source = data(max(batch * STEPS * 10 // 8, MOST_CLASSES * 10))
    settings = {"arch": name, "batch_size": batch, "epochs": 1000, "optimizer.momentum": 0.9}
    settings |= {"learning_rate": 0.01, "scaling": "none"}
    (run,) = Planner(lambda config: source).runs(
        [settings | {f"arch.{key}": value for key, value in options.items()}]
    )
    return source, run, more


def _timer(source: InMemorySource, run: PlannedRun) -> Callable[[int], float]:
    """A function that trains so many steps, or a few more, and gives the seconds of one."""
    program = run.program
    strategy = next(iter(strategy_choice.candidates(program, run.config, 1)))
    with program.precision_context():
        (chunk,) = chunk_lib.start(program, [run.config], source.data, strategy)

    def dispatches() -> Iterator[int]:
        for epoch in itertools.cycle(range(program.config.epochs)):
            yield from loop.dispatches(program, chunk, strategy, epoch)

    running = dispatches()
    at_once = chunk_batches.dispatch_steps(program, strategy)

    def steps(count: int) -> float:
        rounds = -(-count // at_once)
        with program.precision_context():
            begin = time.perf_counter()
            for _ in range(rounds):
                next(running)
            jax.block_until_ready(chunk.state)
        return (time.perf_counter() - begin) / (rounds * at_once)

    return steps
