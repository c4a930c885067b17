"""Odd folders: two that are one class, one inside another, and images that are made for print."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.launch.odd_inputs.case import Case

PLAN = "plan --dataset=folder:pets --split=1:1 --batch_size=2 --arch=linear"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def _picture(file: Path, seed: int, mode: str = "RGB") -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 6, 3)).astype(np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(file)


def _beside(write: Callable[[Path], object], *labels: str) -> Callable[[Path], None]:
    """Writes classes of two images each, and something odd beside them."""

    def written(folder: Path) -> None:
        for place, label in enumerate(labels or ("cat", "dog")):
            for number in range(2):
                _picture(folder / "pets" / label / f"{place}{number}.png", 2 * place + number)
        write(folder / "pets")

    return written


def _wrapped(pets: Path) -> None:
    outer = pets.rename(pets.with_name("inner"))
    pets.mkdir()
    outer.rename(pets / "inner")


CASES: list[Case] = [
    Case(
        "a class whose two folders are composed differently",
        _beside(lambda pets: None, "caf\u00e9", "cafe\u0301", "dog"),
        PLAN,
        says=("two folders are read as one class, 'caf\u00e9': their names differ only in how",),
    ),
    Case("a folder around the folder", _beside(_wrapped), PLAN, 2, ("folder:pets/inner",)),
    Case(
        "colours of print",
        _beside(lambda pets: _picture(pets / "cat" / "lab.tif", 9, "LAB")),
        PLAN,
        says=("1 of its 5 images have the colours of print (CMYK, Lab; the first is cat/lab.tif)",),
    ),
    Case(
        "a format that is not read",
        _beside(lambda pets: (pets / "cat" / "phone.heic").write_bytes(HEIC)),
        PLAN,
        2,
        ("phone.heic does not decode as an image (no known format); save it as PNG or JPEG",),
    ),
]
