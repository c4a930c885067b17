"""The queue: each run has one turn, what is held or done has none, and threads share it."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from research.sweeps.execute.queue import Queue


@dataclasses.dataclass(frozen=True)
class One:
    id: str


RUNS = [One(str(number)) for number in range(20)]


def ids(runs: list[One]) -> list[int]:
    return [int(run.id) for run in runs]


def test_runs_come_in_their_order() -> None:
    queue = Queue(RUNS[:5], lambda run_id: True, set)
    assert ids(queue.next(2)) == [0, 1]
    assert ids(queue.waiting()) == [2, 3, 4]
    assert ids(queue.next(9)) == [2, 3, 4]
    assert queue.next(1) == []


def test_what_is_held_or_done_when_its_turn_comes_is_passed_over() -> None:
    held, done = {"1"}, {"2"}
    queue = Queue(RUNS[:6], lambda run_id: run_id not in done, lambda: held)
    assert ids(queue.next(2)) == [0, 3]
    done.add("4")
    held.clear()  # too late for this round
    assert ids(queue.next(2)) == [5]


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 7))
def test_wherever_it_begins_each_has_one_turn(share: float, count: int) -> None:
    queue = Queue(RUNS, lambda run_id: True, set)
    queue.begin_at(share)
    handed = []
    while runs := queue.next(count):
        handed += ids(runs)
    first = int(share * len(RUNS))
    assert handed == [*range(first, len(RUNS)), *range(first)]


def test_threads_share_it() -> None:
    queue = Queue(RUNS * 50, lambda run_id: True, set)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda _: queue.next(10), range(100)))
    assert sorted(ids([run for part in parts for run in part])) == sorted(ids(RUNS * 50))
