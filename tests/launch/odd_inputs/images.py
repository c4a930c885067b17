"""Odd folders of images."""

import functools
import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.launch.odd_inputs.case import Case
from tests.support.command_lines import run_all

PLAN = "plan --dataset=folder:pets --split=1:1 --batch_size=2"
# [H, W, 3], with no symmetry.
PICTURE = np.random.default_rng(0).integers(0, 256, (4, 6, 3)).astype(np.uint8)


def save(path: Path, image: Image.Image, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


def plain(folder: Path, *labels: str, count: int = 2) -> None:
    """Images of 4x6 pixels that are no copies of each other, `count` per class."""
    for place, label in enumerate(labels):
        for number in range(count):
            pixels = (
                np.random.default_rng([place, number]).integers(0, 256, (4, 6, 3)).astype(np.uint8)
            )
            save(folder / "pets" / label / f"{number}.png", Image.fromarray(pixels))


def beside(write: Callable[[Path], object]) -> Callable[[Path], None]:
    """Writes two classes of plain images, and something odd beside them."""

    def written(folder: Path) -> None:
        plain(folder, "cat", "dog")
        write(folder / "pets")

    return written


def rows(folder: Path) -> np.ndarray:
    """What was read, uint8 [N, H, W, C]."""
    (file,) = (folder / ".cache" / "arrays").glob("folder_*/x.npy")
    return np.load(file)


def turned(orientation: int, suffix: str, late: bool = False) -> Callable[[Path], None]:
    """The picture as a camera stores it that was held so: EXIF says how to turn it upright."""
    back = {3: lambda a: a[::-1, ::-1], 6: lambda a: np.rot90(a, 1), 8: lambda a: np.rot90(a, -1)}[
        orientation
    ]

    def write(pets: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        file = pets / "cat" / f"turned.{suffix}"
        options = {"lossless": True} if suffix == "webp" else {}
        save(
            file,
            Image.fromarray(np.ascontiguousarray(back(PICTURE))),
            **options,
            **({} if late else {"exif": exif}),
        )
        if late:  # as ExifTool may write it: after the pixels
            content = file.read_bytes()
            file.write_bytes(content[:-12] + chunk(b"eXIf", exif.tobytes()[6:]) + content[-12:])

    return beside(write)


def is_upright(folder: Path) -> None:
    np.testing.assert_array_equal(rows(folder)[2], PICTURE)


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def deep_png(values: np.ndarray, colour: int) -> bytes:
    """A PNG of 16 bits per channel; values [H, W, C]. colour: 0 grey, 2 RGB, 4 grey with alpha, 6
    RGB with alpha."""
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colour, 0, 0, 0)
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def deep(colour: int, channels: int) -> Callable[[Path], None]:
    values = np.random.default_rng(0).integers(0, 65536, (4, 6, channels))
    return beside(lambda pets: (pets / "cat" / "deep.png").write_bytes(deep_png(values, colour)))


def deep_tiff(pets: Path) -> None:
    """Three channels of 16 bits, which Pillow cannot write: a header and one strip."""
    pixels = np.zeros((4, 6, 3), "<u2").tobytes()
    entries = [
        (256, 3, 6),
        (257, 3, 4),
        (258, 3, 16),
        (259, 3, 1),
        (262, 3, 2),
        (273, 4, 8),
        (277, 3, 3),
        (278, 3, 4),
    ]
    entries.append((279, 4, len(pixels)))
    directory = struct.pack("<H", len(entries))
    for tag, kind, value in entries:
        if tag == 258:  # one for each channel, behind the directory
            behind = 8 + len(pixels) + 2 + 12 * len(entries) + 4
            directory += struct.pack("<HHII", tag, kind, 3, behind)
        else:
            directory += struct.pack("<HHI", tag, kind, 1) + struct.pack("<I", value)
    content = (
        b"II*\0"
        + struct.pack("<I", 8 + len(pixels))
        + pixels
        + directory
        + bytes(4)
        + struct.pack("<3H", *[16] * 3)
    )
    (pets / "cat" / "deep.tif").write_bytes(content)


def animated(suffix: str) -> Callable[[Path], None]:
    frames = [
        Image.fromarray(PICTURE),
        Image.fromarray(PICTURE[::-1].copy()),
        Image.fromarray(255 - PICTURE),
    ]
    return beside(
        lambda pets: save(
            pets / "cat" / f"moves.{suffix}", frames[0], save_all=True, append_images=frames[1:]
        )
    )


SHAPE = np.zeros((4, 6), np.uint8)
SHAPE[1:3, 2:5] = 255


def drawing(kind: str) -> Image.Image:
    """A black shape on nothing: all pixels are black, and alpha says where there are any."""
    alpha = Image.fromarray(SHAPE)
    if kind == "P":
        palette = Image.fromarray((SHAPE > 0).astype(np.uint8), "P")
        palette.putpalette([0, 0, 0, 0, 0, 0])
        palette.info["transparency"] = 0
        return palette
    image = Image.new(kind, (6, 4))
    image.putalpha(alpha)
    return image


def drawings(kind: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        for number, label in enumerate(("cat", "dog", "cow")):
            save(folder / "pets" / label / f"{number}.png", drawing(kind))
            save(
                folder / "pets" / label / f"{number}b.png",
                Image.fromarray(np.full((4, 6), 7 + number, np.uint8)),
            )

    return write


def trained(folder: Path) -> None:
    """A run that was trained on plain images, and new ones of which half are drawings."""
    plain(folder, "cat", "dog", "cow", count=10)
    command = (
        "train --dataset=folder:pets --arch=linear --epochs=1 --batch_size=8 --keep_params"
        " --name=mine"
    )
    (result,) = run_all([command.split()], folder)
    assert result.code == 0, result.err
    for number, label in enumerate(("cat", "dog", "cow")):
        for copy in range(2):
            save(folder / "new" / label / f"{copy}.png", drawing("RGBA"))
            pixels = np.full((4, 6, 3), 7 + number + copy, np.uint8)
            save(folder / "new" / label / f"{copy}b.png", Image.fromarray(pixels))


def shows(background: int, folder: Path) -> None:
    """The shape is black on the background."""
    expected = np.where(SHAPE > 0, 0, background)
    for channel in range(rows(folder).shape[-1]):
        np.testing.assert_array_equal(rows(folder)[0, ..., channel], expected)


def gif(pets: Path) -> None:
    """One frame, and a transparent colour: no animation."""
    save(pets / "cat" / "still.gif", Image.fromarray(np.zeros((4, 6), np.uint8)))


def camera(pets: Path) -> None:
    """A telephone's JPEG: a photograph, and behind it a preview (MPO)."""
    photograph, preview = (
        Image.new("RGB", (6, 4), (200, 30, 30)),
        Image.new("RGB", (6, 4), (0, 0, 200)),
    )
    save(
        pets / "cat" / "phone.jpg", photograph, format="MPO", save_all=True, append_images=[preview]
    )


def is_the_photograph(folder: Path) -> None:
    assert rows(folder)[2].mean(axis=(0, 1))[0] > 150


def printed(pets: Path) -> None:
    """A photograph in a printer's four colours."""
    save(pets / "cat" / "print.jpg", Image.new("CMYK", (6, 4), (0, 255, 255, 0)), quality=95)


def is_red(folder: Path) -> None:
    red, green, blue = rows(folder)[2].mean(axis=(0, 1))
    assert red > 230
    assert max(green, blue) < 25


def one_bit(pets: Path) -> None:
    save(pets / "cat" / "scan.png", Image.fromarray(SHAPE > 0))


def is_black_and_white(folder: Path) -> None:
    np.testing.assert_array_equal(rows(folder)[2, ..., 0], SHAPE)


def broken_exif(pets: Path) -> None:
    save(pets / "cat" / "odd.jpg", Image.fromarray(PICTURE), exif=b"Exif\0\0not at all")


def bytes_name(folder: Path) -> None:
    """A class in Latin-1, as an old archive unpacks it."""
    plain(folder, "cat")
    for number in range(2):
        file = os.fsencode(folder / "pets") + b"/ch\xe2t"
        os.makedirs(file, exist_ok=True)
        data = io.BytesIO()
        Image.fromarray(PICTURE + np.uint8(number)).save(data, "PNG")
        with open(file + b"/%d\xff.png" % number, "wb") as out:
            out.write(data.getvalue())


def composed(folder: Path) -> None:
    """The same class as macOS and as Linux write it: with a combining accent, and with one
    letter."""
    plain(folder, "train/cat", "train/bl\u00e9", "test/cat", "test/ble\u0301")


def parts(*names: str) -> Callable[[Path], None]:
    return lambda folder: plain(
        folder, *(f"{name}/{label}" for name in names for label in ("cat", "dog"))
    )


def size_of(total: int, folder: Path) -> None:
    assert len(rows(folder)) == total


def strays(pets: Path) -> None:
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "._0.png", "ehthumbs.db"):
        (pets / "cat" / name).write_bytes(b"not an image")
    (pets / "__MACOSX").mkdir()
    (pets / "cat" / ".ipynb_checkpoints").mkdir()
    save(pets / "dog" / "LOUD.PNG", Image.fromarray(PICTURE))


def copy(source: str, target: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        plain(folder, "train/cat", "train/dog", "test/cat", "test/dog")
        image = Image.open(folder / "pets" / source)
        save(folder / "pets" / target, image, compress_level=0)  # other bytes, the same pixels

    return write


def cases() -> Iterator[Case]:
    yield Case(
        "classes that differ in case",
        lambda folder: plain(folder, "cat", "Cat", "dog"),
        PLAN,
        says=("its classes: 'Cat' and 'cat' look alike, but are read as different",),
    )
    for orientation, suffix in ((6, "jpg"), (3, "png"), (8, "webp"), (6, "tif")):
        # A JPEG's pixels are no longer the picture's.
        reads = is_upright if suffix != "jpg" else functools.partial(size_of, 5)
        yield Case(
            f"{suffix} turned by EXIF {orientation}", turned(orientation, suffix), PLAN, reads=reads
        )
    yield Case(
        "png whose EXIF follows its pixels", turned(6, "png", late=True), PLAN, reads=is_upright
    )
    yield Case("damaged EXIF", beside(broken_exif), PLAN, reads=functools.partial(size_of, 5))
    for kind in ("LA", "RGBA", "P"):
        says = ("3 of its 6 images have an alpha channel", "is white (--dataset.background)")
        white = functools.partial(shows, 255)
        yield Case(
            f"drawing in the alpha channel, {kind}", drawings(kind), PLAN, says=says, reads=white
        )
    black = functools.partial(shows, 0)
    yield Case(
        "drawing on black",
        drawings("LA"),
        f"{PLAN} --dataset.background=black",
        says=("black",),
        reads=black,
    )
    yield Case(
        "transparent images that a run is evaluated on",
        trained,
        "evaluate --run=mine --split=folder:new",
        says=("6 of its 12 images have an alpha channel", "is white"),
    )
    yield Case(
        "background of no name",
        drawings("LA"),
        f"{PLAN} --dataset.background=grey",
        2,
        ("white, black",),
    )
    for suffix in ("gif", "png", "tif", "webp"):
        yield Case(
            f"animated {suffix}", animated(suffix), PLAN, 2, (f"cat/moves.{suffix} has 3 frames",)
        )
    for colour, channels in ((0, 1), (2, 3), (4, 2), (6, 4)):
        deep_png = f"16-bit png of {channels} channels"
        said = ("cat/deep.png has 16 bits per channel",)
        yield Case(deep_png, deep(colour, channels), PLAN, 2, said)
    yield Case("16-bit tiff", beside(deep_tiff), PLAN, 2, ("cat/deep.tif has 16 bits per channel",))
    yield Case("gif of one frame", beside(gif), PLAN, reads=functools.partial(size_of, 5))
    yield Case("telephone's photograph", beside(camera), PLAN, reads=is_the_photograph)
    yield Case("four colours", beside(printed), PLAN, reads=is_red)
    yield Case("one bit", beside(one_bit), PLAN, reads=is_black_and_white)
    yield Case("names that are not UTF-8", bytes_name, PLAN, reads=functools.partial(size_of, 4))
    yield Case("letters composed in two ways", composed, PLAN, reads=functools.partial(size_of, 8))
    for name in ("val", "valid", "validation", "VAL"):
        yield Case(
            f"{name} beside Train",
            parts("Train", name),
            PLAN,
            says=(f"its {name}/ (4 images) joins the training rows",),
            reads=functools.partial(size_of, 8),
        )
    yield Case("train alone", parts("train"), PLAN, reads=functools.partial(size_of, 4))
    yield Case(
        "test without train", parts("test", "val"), PLAN, 2, ("has test/ but no train/; expected",)
    )
    yield Case(
        "two names of one part",
        parts("train", "val", "valid"),
        PLAN,
        2,
        ("has both val/ and valid/",),
    )
    yield Case(
        "a part beside a class",
        parts("train", "fish"),
        PLAN,
        2,
        ("has fish/ beside train/; expected",),
    )
    yield Case(
        "parts without classes",
        lambda f: plain(f, "train", "test"),
        PLAN,
        2,
        ("has no class folder",),
    )
    yield Case(
        "a class named train",
        lambda f: plain(f, "train", "bus"),
        PLAN,
        reads=functools.partial(size_of, 4),
    )
    nested = beside(lambda pets: (pets / "cat" / "indoor").mkdir())
    yield Case(
        "a folder inside a class",
        nested,
        PLAN,
        2,
        ("cat/indoor is a folder inside the folder of a class",),
    )
    empty = beside(lambda pets: (pets / "cow").mkdir())
    yield Case("a class without images", empty, PLAN, 2, ("cow has no images",))
    yield Case(
        "what systems leave behind", beside(strays), PLAN, reads=functools.partial(size_of, 5)
    )
    readme = beside(lambda pets: (pets / "cat" / "README.txt").write_text("cats"))
    yield Case(
        "a text among images", readme, PLAN, 2, ("cat/README.txt does not decode as an image",)
    )
    link = beside(lambda pets: (pets / "cat" / "link.png").symlink_to("nowhere"))
    yield Case("a broken link", link, PLAN, 2, ("cat/link.png cannot be read",))
    linked = beside(lambda pets: (pets / "cat" / "link.png").symlink_to("../dog/0.png"))
    yield Case(
        "the same picture in two classes",
        linked,
        PLAN,
        says=("1 of its images has more than one class",),
    )
    leak = copy("train/cat/0.png", "test/cat/copy.png")
    says = ("1 of its 5 test images are among", "test/cat/copy.png is train/cat/0.png")
    yield Case("the same picture in training and test", leak, PLAN, says=says)
    loose = beside(lambda pets: save(pets / "lost.png", Image.fromarray(PICTURE)))
    yield Case(
        "an image beside the classes",
        loose,
        PLAN,
        says=("beside the folders of classes is not read",),
    )


CASES = list(cases())
