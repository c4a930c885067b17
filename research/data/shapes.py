"""Generated pictures of circles, squares and triangles, with the class of each pixel: a
segmentation."""

from typing import Annotated

import numpy as np

from research import rng
from research.data.array_cache import digest, open_table
from research.data.data_table import Table
from research.data.spec import Source
from research.options import Count, NonNegative, Range, options_of
from research.registry import DATASETS, Entry

# Raised when other rows are generated.
VERSION = "1.1.0"
CLASSES = ("background", "circle", "square", "triangle")
MAXIMUM = 255
# The brightest ground, and the darkest shape.
DARK = 100
BRIGHT = 130


def open_shapes(
    *,
    data_dir: str | None,
    cache_dir: str,
    side: Annotated[int, Range(8), "rows and columns of a picture"] = 32,
    objects: Annotated[Count, "largest number of objects in a picture"] = 3,
    noise: Annotated[
        NonNegative, "standard deviation of the pixels' noise, on the scale 0 to 255"
    ] = 10.0,
    size: Annotated[Count, "pictures to train and validate on"] = 5_000,
    test: Annotated[Count, "pictures of the test set"] = 500,
    seed: Annotated[int, Range(0, 2**32 - 1), "seed of the generated data"] = 0,
) -> Source:
    """Pictures of shapes; see `shapes`.

    Example:
        >>> table = shapes(side=8, objects=1, noise=0.0, size=1, test=0, seed=0)
        >>> print(table.y[0])  # the class of each pixel
        [[0 0 0 0 0 0 0 0]
         [0 0 0 0 0 0 3 0]
         [0 0 0 0 0 0 3 0]
         [0 0 0 0 0 3 3 3]
         [0 0 0 0 0 0 0 0]
         [0 0 0 0 0 0 0 0]
         [0 0 0 0 0 0 0 0]
         [0 0 0 0 0 0 0 0]]
    """
    options = (side, objects, noise, size, test, seed)
    key = f"shapes_{digest(options)}-{VERSION}"
    return open_table(key, lambda: shapes(*options), cache_dir=cache_dir, name="shapes")


def shapes(side: int, objects: int, noise: float, size: int, test: int, seed: int) -> Table:
    """Pictures of one to `objects` shapes over one another, with the class of each pixel.

    Shapes are bright on a dark ground, and their colours say nothing of their classes. Each lies
    whole
    in the picture, with a radius of an eighth to a quarter of its side, but a later one may cover
    it.

    Args:
        side: rows and columns of a picture [side, side, 3].
        objects: largest number of shapes in a picture.
        noise: standard deviation of the pixels' noise, on the scale 0 to 255.
        size: pictures to train and validate on.
        test: pictures of the test set.
        seed: seed of all numbers.
    """
    draw = rng.host(seed, "shapes")
    pictures = np.zeros((size + test, side, side, 3), np.uint8)
    masks = np.zeros((size + test, side, side), np.int32)
    for picture, mask in zip(pictures, masks, strict=True):
        canvas = np.broadcast_to(draw.uniform(0, DARK, 3), (side, side, 3)).copy()
        for colour in draw.uniform(BRIGHT, MAXIMUM, (draw.integers(1, objects + 1), 3)):
            kind = draw.integers(1, len(CLASSES))
            radius = draw.uniform(side / 8, side / 4)
            inside = inside_of(CLASSES[kind], side, draw.uniform(radius, side - radius, 2), radius)
            canvas[inside], mask[inside] = colour, kind
        canvas += noise * draw.standard_normal(canvas.shape)
        # Rounded and clipped before the cast to uint8, which would wrap around.
        picture[:] = np.clip(np.rint(canvas), 0, MAXIMUM)
    return Table(pictures, masks, CLASSES, test_size=test, maximum=MAXIMUM, task="segmentation")


def inside_of(kind: str, side: int, centre: np.ndarray, radius: float) -> np.ndarray:
    """The pixels inside a shape, bool [side, side].

    Args:
        kind: circle, square or triangle.
        side: rows and columns of the picture.
        centre: row and column of the centre [2], pixels.
        radius: half the shape's height, pixels.
    """
    row, column = (np.arange(side) + 0.5 - at for at in centre)
    down = row[:, None]
    across = np.abs(column)[None, :]
    if kind == "circle":
        return down**2 + across**2 <= radius**2
    if kind == "square":
        return (np.abs(down) <= radius) & (across <= radius)
    return (np.abs(down) <= radius) & (across <= (down + radius) / 2)


DATASETS.add(
    Entry(
        "shapes",
        open_shapes,
        "pictures of circles, squares and triangles; the class of each pixel (segmentation)",
        options=options_of(open_shapes, given={"data_dir", "cache_dir"}),
    )
)
