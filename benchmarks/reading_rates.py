"""Reading rates: images per second from files, from the decoded copy and from the device's
memory."""

import functools
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from research.data import image_folder, stream
from research.data.prefetcher import Prefetcher
from research.data.source import open_source
from research.training.devices import lane_functions
from research.training.devices.batch_layout import BatchLayout
from research.training.devices.chunk_functions import compiled
from research.training.devices.vmap import VmapBackend
from research.training.setup.program import Sizes

IMAGES = flags.DEFINE_integer(
    "images", 3000, "data: how many JPEG files are made and decoded", lower_bound=256
)
SIDE = flags.DEFINE_integer("side", 64, "data: their height and width", lower_bound=8)
PROCESSES = flags.DEFINE_integer(
    "worker_processes", 2, "data: worker processes, where there are some", lower_bound=1
)

# The batches: of so many lanes, so many steps a dispatch.
WIDTH = 2
STEPS = 4
BATCH = 64
# Epochs of each kind of stream; medians are reported, the first is left out.
EPOCHS = 3
# Files that a worker decodes at once.
CHUNK = 32


def measure() -> None:
    """A folder of JPEG files, decoded and then read as the batches of epochs, by each kind of
    worker."""
    description = f"{IMAGES.value} JPEG files of {SIDE.value}x{SIDE.value}"
    print(f"{description}; {WIDTH} lanes, batch {BATCH}, {STEPS} steps a dispatch")
    print("\n| what | images/s | MB/s |\n| --- | ---: | ---: |", flush=True)
    with tempfile.TemporaryDirectory() as root:
        images = Path(root) / "images"
        files = _make(images)
        _decoding(files)
        begin = time.perf_counter()
        source = open_source(f"folder:{images}", {}, data_dir=None, cache_dir=f"{root}/cache")
        _row("folder to decoded copy, all steps", len(files), time.perf_counter() - begin)
        begin = time.perf_counter()
        open_source(f"folder:{images}", {}, data_dir=None, cache_dir=f"{root}/cache")
        _row("folder opened again (its bytes are checked)", len(files), time.perf_counter() - begin)
        _batches(source.arrays().x)


def _make(images: Path) -> Sequence[Path]:
    """Files of two classes; smooth noise, which JPEG packs about as it does photographs."""
    from PIL import Image

    generator = np.random.default_rng(0)
    files = []
    for number in range(IMAGES.value):
        file = images / f"class{number % 2}" / f"{number:07}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(generator.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        coarse.resize((SIDE.value, SIDE.value), resample=Image.Resampling.BICUBIC).save(
            file, quality=90
        )
        files.append(file)
    return files


def _decoding(files: Sequence[Path]) -> None:
    """Decoding alone: nothing is kept."""
    chunks = [files[first : first + CHUNK] for first in range(0, len(files), CHUNK)]
    decode = functools.partial(_decoded, chunks, SIDE.value)

    def timed(what: str, values: Iterable[np.ndarray]) -> None:
        begin = time.perf_counter()
        count = sum(map(len, values))
        _row(what, count, time.perf_counter() - begin)

    timed("decoding, no worker", map(decode, range(len(chunks))))
    for threads in (1, 2, 4):
        timed(
            f"decoding, {threads} thread{'s' * (threads > 1)}",
            Prefetcher(decode, len(chunks), threads=threads),
        )
    processes = Prefetcher(decode, len(chunks), threads=1, processes=PROCESSES.value)
    timed(f"decoding, {PROCESSES.value} processes, their start included", processes)


def _decoded(chunks: Sequence[Sequence[Path]], side: int, number: int) -> np.ndarray:
    return np.stack([image_folder.decode(file, "RGB", (side, side)) for file in chunks[number]])


def _batches(x: np.ndarray) -> None:
    """Whole epochs; a row of the table counts the examples of all lanes."""
    generator = np.random.default_rng(0)
    dispatches = len(x) // (BATCH * STEPS)
    rows = np.stack([generator.permutation(len(x)) for _ in range(WIDTH)]).astype(np.int32)
    rows = rows[:, : dispatches * BATCH * STEPS]
    inputs = {"x": jnp.asarray(x)}
    targets = jnp.zeros(len(x), jnp.int32)
    order = jnp.asarray(rows)
    sizes = Sizes(train=rows.shape[1], validation=0, test=0, batch=BATCH)

    layout = BatchLayout(sizes)
    axes = (None, None, 0, None, None)
    gather = compiled(VmapBackend(WIDTH), lane_functions.gather, (layout, STEPS), axes)

    def gathered() -> None:
        for number in range(dispatches):
            first = np.int32(number * STEPS)
            jax.block_until_ready(gather(inputs, targets, order, (first, first), None))

    def streamed(put: Callable[[np.ndarray], object], processes: int) -> None:
        with stream.batches(
            x, rows, first=0, steps=STEPS, batch=BATCH, processes=processes
        ) as batches:
            for batch in batches:
                put(batch)

    def to_device(batch: np.ndarray) -> None:
        jax.block_until_ready(jax.device_put(batch))

    for what, epoch in (
        ("batches gathered on the device", gathered),
        ("batches streamed, threads", functools.partial(streamed, len, 0)),
        ("batches streamed, threads, put on the device", functools.partial(streamed, to_device, 0)),
        (
            f"batches streamed, {PROCESSES.value} processes, their start included",
            functools.partial(streamed, len, PROCESSES.value),
        ),
    ):
        epoch()
        _row(what, rows.size, statistics.median(_seconds(epoch) for _ in range(EPOCHS - 1)))


def _seconds(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def _row(what: str, images: int, seconds: float) -> None:
    size = math.prod((SIDE.value, SIDE.value, 3))
    print(
        f"| {what} | {images / seconds:,.0f} | {images * size / seconds / 1e6:,.0f} |", flush=True
    )
