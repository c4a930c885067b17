"""Packs fit the device: the width is lowered until what the compiled program needs is within the
limit."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from research.sweeps.execute import execution_context as job_lib
from research.sweeps.execute import stored_strategy
from research.sweeps.execute.execution_context import ExecutionContext
from research.sweeps.execute.execution_options import DEFAULT
from research.sweeps.plan.run_plan import Pack
from research.sweeps.records.store import Store
from research.testing.subjects import Subject
from research.training.devices import device_memory
from research.training.devices.strategy import ExecutionStrategy
from tests.support.engine import data_of, images, run
from tests.support.observing import Observing

RUN = run(arch__hidden=(16, 16))
STEPS = 5


def required_bytes(width: int) -> float:
    """What the compiled program of so many lanes says that it needs."""
    return device_memory.required_bytes(RUN.program, RUN.config, data_of(RUN).data, width, STEPS)


def measured(measure: Callable[[int], float], width: int, limit: float) -> tuple[int, list[int]]:
    """The width that fits, and those that were measured for it."""
    asked: list[int] = []

    def ask(lanes: int) -> float:
        asked.append(lanes)
        return measure(lanes)

    return device_memory.largest_fitting(width, limit, ask), asked


def test_what_fits_is_compiled_once() -> None:
    assert measured(lambda width: 100 + 10 * width, 32, 420) == (32, [32])


def test_what_does_not_is_lowered_by_the_line_through_two_widths_and_verified() -> None:
    assert measured(lambda width: 100 + 10 * width, 32, 299) == (19, [32, 16, 19])


def test_what_is_not_a_line_is_lowered_until_it_fits() -> None:
    def measure(width: int) -> float:
        return 100 + 10 * width + 60 * (width > 12)

    width, asked = measured(measure, 32, 299)
    assert measure(width) <= 299
    assert width in asked


def test_what_does_not_even_compile_is_halved() -> None:
    assert measured(lambda width: float("inf") if width > 8 else width, 32, 100)[0] == 8


def test_nothing_fits_but_one_lane_is_tried() -> None:
    assert measured(lambda width: 100.0 * width, 8, 50)[0] == 1


def test_a_program_needs_more_for_more_lanes() -> None:
    at = {width: required_bytes(width) for width in (1, 4, 8)}
    state = device_memory.footprint(RUN.config, RUN.program)[1]
    assert at[8] - at[4] > 4 * state
    assert at[4] - at[1] > 3 * state


@pytest.mark.parametrize(("lanes", "room"), [(8, 8), (8, 5), (8, 1)])
def test_the_way_has_as_many_lanes_as_the_limit_takes(
    tmp_path: Path, lanes: int, room: int
) -> None:
    limit = (required_bytes(room) + required_bytes(room + 1)) / 2

    def timer(*_: object) -> float:
        return 1.0

    job = ExecutionContext(
        Store(tmp_path), lambda run: data_of(run).data, Observing(), DEFAULT, timer, {}
    )
    job.limit = lambda: limit / device_memory.MARGIN * job_lib.ABREAST
    strategy = stored_strategy.strategy_for(Pack(RUN.program, (RUN,)), job, lanes)
    chunks = math.ceil(lanes / room)
    # Of all widths with so few chunks the smallest, so that no lane is idle.
    assert strategy.width == math.ceil(lanes / chunks)
    assert required_bytes(strategy.width) <= limit


def test_what_is_streamed_does_not_lie_on_the_device() -> None:
    many = images(side=32, rows=2000)
    own = Subject({"arch": "linear"}, many).run()
    whole, streamed = (
        device_memory.required_bytes(own.program, own.config, many.data, 1, STEPS, streams=streams)
        for streams in (False, True)
    )
    assert whole - streamed > 0.8 * many.data.x.nbytes  # a part of an evaluation is there


def test_what_cannot_matter_is_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_memory, "required_bytes", lambda *_: pytest.fail("compiled"))
    data = data_of(RUN).data
    assert (
        device_memory.max_lanes(RUN.program, RUN.config, data, ExecutionStrategy(32, STEPS), 2**34)
        == 32
    )
