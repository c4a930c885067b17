"""Dispatches are cut by the clock into pieces, and no bit hangs on how."""

from typing import Any

import pytest

from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import dispatch_size, loop
from research.training.engine.dispatch_size import WHOLE_DISPATCHES, AdaptiveDispatch
from tests.support.engine import IMAGES, STEPS_PER_EPOCH, run
from tests.support.observing import PackObserving


def pieces(
    of: AdaptiveDispatch, seconds_an_update: float, seconds_to_compile: float, count: int
) -> list[int]:
    """The lengths of so many pieces where an update takes so long."""
    now, lengths = [0.0], []
    of.clock = lambda: now[0]
    for place in range(count):
        lengths.append(of.steps)
        with of.measure(lambda: None):
            now[0] += of.steps * seconds_an_update + (seconds_to_compile if place == 0 else 0.0)
    return lengths


@pytest.mark.parametrize(
    ("most", "seconds", "expected"),
    [
        (64, 1e-3, [1, 1, 2, 4, 8, 16, 32, 64, 64]),
        (
            64,
            0.03,
            [1, 1, 2, 4, 8, 16, 16, 16, 16],
        ),  # 8 take 0.24 seconds, less than half of what they may
        (64, 2.0, [1, 1, 1, 1, 1, 1, 1, 1, 1]),
        (5, 1e-3, [1, 1, 2, 4, 5, 5, 5, 5, 5]),
        (1, 1e-3, [1, 1, 1, 1, 1, 1, 1, 1, 1]),
    ],
)
def test_pieces_grow_while_they_are_short(most: int, seconds: float, expected: list[int]) -> None:
    assert pieces(AdaptiveDispatch(most), seconds, 10.0, len(expected)) == expected


def test_devices_are_waited_for_until_pieces_are_as_long_as_they_get() -> None:
    of, waits = AdaptiveDispatch(4, clock=lambda: 0.0), [0]

    def wait() -> None:
        waits[0] += 1

    for _ in range(10):
        with of.measure(wait):
            pass
    assert waits == [3]  # for an update that is compiled, for one, and for two


@pytest.mark.parametrize("dispatch", [3, STEPS_PER_EPOCH])
def test_no_bit_hangs_on_how_dispatches_are_cut(
    dispatch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [
        run(seed=seed, regularization="dropout=0.3,ema=0.9", optimizer__momentum=0.9)
        for seed in range(3)
    ]

    def train(seconds: float) -> tuple[str, list[int]]:
        """The outcomes, and the steps at which something could stop."""
        steps: list[int] = []
        monkeypatch.setattr(dispatch_size, "PIECE_SECONDS", seconds)
        outcomes: Any = loop.train(
            runs[0].program,
            [one.config for one in runs],
            IMAGES.data,
            ExecutionStrategy(3, dispatch),
            observer=PackObserving(at_boundary=lambda boundary: steps.append(boundary.step)),
        )
        return repr(outcomes), steps

    one_by_one, often = train(0.0)
    growing, seldom = train(float("inf"))
    assert often == list(range(1, 3 * STEPS_PER_EPOCH + 1))
    assert seldom[:2] == [1, 2]
    assert len(seldom) < len(often)
    monkeypatch.setattr(loop, "adaptive_dispatch", lambda program, strategy: WHOLE_DISPATCHES)
    whole, boundaries = train(0.0)
    assert len(boundaries) == 3 * -(-STEPS_PER_EPOCH // dispatch)
    assert one_by_one == growing == whole
