"""Streams against the gather on the device: the same bits, from any step on, and nothing left
behind."""

import itertools
import multiprocessing
import threading
import time

import numpy as np
import pytest
from absl import flags
from hypothesis import given, settings
from hypothesis import strategies as st

from research.data import stream
from research.data.prefetcher import Prefetcher
from research.training.devices import lane_functions
from research.training.devices.batch_layout import BatchLayout
from research.training.devices.chunk_functions import compiled
from research.training.devices.vmap import VmapBackend
from research.training.setup.program import Sizes


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """x [101, 3, 5, 1] uint8, memory-mapped as a source's arrays are."""
    file = tmp_path_factory.mktemp("stream") / "x.npy"
    np.save(file, np.random.default_rng(0).integers(0, 256, (101, 3, 5, 1)).astype(np.uint8))
    return np.asarray(np.load(file, mmap_mode="r"))


@pytest.fixture(autouse=True)
def parsed_flags():
    """Grain reads absl flags before it starts a process; every launcher has parsed them by then."""
    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()


def order(width, count, seed=0):
    generator = np.random.default_rng(seed)
    return np.stack([generator.permutation(101)[:count] for _ in range(width)]).astype(np.int32)


def gathered(x, rows, first, steps, batch):
    """What the engine gathers from device memory, its rows padded to whole dispatches as the loop
    does."""
    padding = -(rows.shape[1] // batch - first) % steps * batch
    padded = np.pad(rows, ((0, 0), (0, padding)), mode="edge")
    starts = range(first, rows.shape[1] // batch, steps)
    y = np.zeros(len(x), np.int32)
    sizes = Sizes(train=rows.shape[1], validation=0, test=0, batch=batch)
    static = (BatchLayout(sizes), steps)
    axes = (None, None, 0, None, None)
    gather = compiled(VmapBackend(len(rows)), lane_functions.gather, static, axes)
    # The stream yields [steps, W, batch, ...], the device [W, steps, batch, ...].
    return [
        np.asarray(gather({"x": x}, y, padded, (np.int32(s), np.int32(s)), None)["x"]).swapaxes(
            0, 1
        )
        for s in starts
    ]


def assert_same(streamed, expected):
    with streamed:
        for one, other in itertools.zip_longest(streamed, expected):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


def workers():
    """The threads and processes of Grain that run now."""
    threads = {thread for thread in threading.enumerate() if "grain" in thread.name}
    return threads | set(multiprocessing.active_children())


def assert_no_workers():
    """Threads that started processes, or that never came to read, end on their own; those that read
    are waited for."""
    end = time.monotonic() + 5
    while workers() and time.monotonic() < end:
        time.sleep(0.01)
    assert not workers()


@pytest.mark.parametrize(
    ("width", "batch", "steps", "first"),
    [
        (1, 1, 1, 0),
        (1, 10, 4, 0),
        (3, 7, 5, 0),
        (3, 7, 5, 10),
        (2, 33, 2, 2),
        (4, 10, 64, 0),
        (2, 10, 3, 4),
    ],
)
def test_batches_are_those_of_the_gather(mapped, width, batch, steps, first):
    rows = order(width, 100 // batch * batch)
    streamed = stream.batches(mapped, rows, first=first, steps=steps, batch=batch)
    assert_same(streamed, gathered(mapped, rows, first, steps, batch))


@settings(deadline=None, max_examples=25)
@given(
    st.integers(1, 4),
    st.integers(1, 50),
    st.integers(1, 9),
    st.integers(0, 100),
    st.integers(0, 2**32 - 1),
)
def test_batches_of_any_size(mapped, width, batch, steps, first, seed):
    rows = order(width, 100 // batch * batch, seed)
    first %= rows.shape[1] // batch
    streamed = stream.batches(mapped, rows, first=first, steps=steps, batch=batch)
    assert_same(streamed, gathered(mapped, rows, first, steps, batch))


def test_rows_that_are_padded_already(mapped):
    rows = order(2, 60)
    padded = np.pad(rows, ((0, 0), (0, 20)), mode="edge")  # 6 steps of 10, 4 a dispatch
    expected = gathered(mapped, rows, 0, 4, 10)
    assert_same(stream.batches(mapped, padded, first=0, steps=4, batch=10), expected)


def test_resumed_is_the_rest_and_reads_nothing_before_it(mapped):
    class Counted(np.ndarray):
        read = 0

        def __getitem__(self, index):
            Counted.read += np.size(index)
            return np.asarray(super().__getitem__(index))

    rows = order(2, 100)
    with stream.batches(mapped, rows, first=0, steps=2, batch=10) as whole:
        expected = list(whole)[3:]
    with stream.batches(mapped.view(Counted), rows, first=6, steps=2, batch=10) as rest:
        resumed = list(rest)
    assert len(resumed) == 2
    np.testing.assert_array_equal(resumed, expected)
    assert Counted.read == 2 * 40  # 40 of each lane's 100 rows


def test_past_the_end_there_is_nothing(mapped):
    assert list(stream.batches(mapped, order(1, 40), first=4, steps=2, batch=10)) == []


def test_parts_of_an_evaluation(mapped):
    rows = order(3, 50)
    with stream.parts(mapped, rows, size=20) as parts:
        found = np.concatenate(list(parts), axis=1)
    assert found.shape == (3, 60, 3, 5, 1)
    np.testing.assert_array_equal(found[:, :50], mapped[rows])
    np.testing.assert_array_equal(found[:, 50:], np.repeat(mapped[rows[:, -1:]], 10, axis=1))


def test_processes_give_the_same(mapped):
    rows = order(2, 100)
    streamed = stream.batches(mapped, rows, first=2, steps=3, batch=10, processes=2)
    assert_same(streamed, gathered(mapped, rows, 2, 3, 10))
    assert_no_workers()


def test_processes_are_sent_the_files_place_not_the_array(mapped):
    place = stream.mapped_file(mapped[10:])
    assert place is not None
    np.testing.assert_array_equal(place.open(), mapped[10:])
    assert stream.mapped_file(mapped[:, 1:]) is None
    assert stream.mapped_file(np.zeros(3)) is None


@pytest.mark.parametrize("processes", [0, 1])
@pytest.mark.parametrize("taken", [0, 1])
def test_left_early_nothing_is_left_behind(mapped, processes, taken):
    streamed = stream.batches(mapped, order(2, 100), first=0, steps=1, batch=2, processes=processes)
    for _ in range(taken):
        next(streamed)
    streamed.close()
    streamed.close()
    assert_no_workers()
    with pytest.raises(ValueError, match="closed"):
        next(streamed)


def test_read_to_the_end_nothing_is_left_behind(mapped):
    streamed = stream.batches(mapped, order(1, 100), first=0, steps=1, batch=10)
    assert len(list(streamed)) == 10
    assert_no_workers()
    assert list(streamed) == []  # as every iterator that has ended


def test_reading_ahead_is_bounded_and_in_order():
    made = []

    def slow(index):
        time.sleep(0.02 * (index % 3 == 0))  # the later overtakes the earlier
        made.append(index)
        return index

    with Prefetcher(slow, 30, threads=3, ahead=5) as values:
        for expected, value in enumerate(values):
            assert value == expected
            time.sleep(0.005)
            assert len(made) <= value + 1 + 5
    assert sorted(made) == list(range(30))


def test_an_error_comes_where_its_value_would_and_ends_the_workers():
    def fails(index):
        if index == 3:
            raise RuntimeError("the fourth")
        return index

    values = Prefetcher(fails, 10)
    assert [next(values) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(RuntimeError) as error:
        next(values)
    assert str(error.value) == "the fourth"
    assert_no_workers()
