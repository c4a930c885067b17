"""`folder:DIR`: a folder of images for each class, or `train/` and `test/` with a folder for each class in both."""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np

from research.data.builder import open_built
from research.data.decoded import digest
from research.data.progress import progress
from research.data.spec import DataSpec, Source
from research.data.table import Table
from research.data.workers import DECODERS, Ahead
from research.errors import UserError, nearest
from research.options import Range, options_of
from research.registry import DATASETS, Entry

VERSION = "1.0.0"  # raised when the same images are read as other arrays
_GREY = {"1", "L", "LA"}
_DEEP = ("I", "F")  # modes of more than eight bits
_CHUNK = 32  # files that a worker opens at once: an element of Grain's costs a tenth of a millisecond

T = TypeVar("T")


def open_folder(
    path: str,
    *,
    data_dir: str | None,
    cache_dir: str,
    size: Annotated[tuple[int, ...], Range(1), "resize to height,width (one number for both)"] = (),
) -> Source:
    """Images as uint8 [N, H, W, C]: C is 1 if all are grey, else 3, and then grey ones become coloured.

    Without `size` all must be of one size. Raises UserError for an image that does not decode, naming its file, and
    for a class without images.
    """
    if not path:
        raise UserError("folder: lacks its directory; write --dataset=folder:DIR")
    folder = Path(path).expanduser()
    if len(size) > 2:
        raise UserError(f"dataset.size={','.join(map(str, size))}: expected height,width or one number for both")
    if not folder.is_dir():
        raise UserError(f"folder:{path} is not a folder; expected one with a folder of images for each class")
    files = _files(folder)
    key = f"folder_{digest(_content(folder, files, size))}"
    load = functools.partial(read, folder, size)
    return open_built(load, key, VERSION, cache_dir=cache_dir, name=f"folder:{folder.resolve().name}")


def _content(folder: Path, files: Sequence[Path], size: tuple[int, ...]) -> Iterator[Any]:
    """What the rows depend on: for each image its class, name and bytes."""
    with progress(len(files), f"checking {folder}", "image") as bar:
        yield size
        for file in files:
            yield file.relative_to(folder).parts
            yield file
            bar.update()


@dataclasses.dataclass(frozen=True)
class Images:
    """The images of files as rows uint8 [H, W, C], decoded by Grain's workers as they are taken.

    mode: Pillow's, which says how many channels there are. size: (H, W).
    """

    files: Sequence[Path]
    mode: str
    size: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.files), *self.size, len(self.mode))

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.uint8)

    def __iter__(self) -> Iterator[np.ndarray]:
        yield from _ahead(functools.partial(decode, mode=self.mode, shape=self.size), self.files)


def read(folder: Path, size: tuple[int, ...]) -> Table:
    """The folder's images in the order of their paths, those of `test/` last; they are decoded as they are taken."""
    files = _files(folder)
    classes = sorted({file.parent.name for file in files})
    if len(classes) < 2:
        there = ", ".join(classes) or "none"
        raise UserError(f"{folder} needs a folder of images for each of two classes or more; it has {there}")
    tests = {file for file in files if file.parent.parent != folder and file.parent.parent.name == "test"}
    missing = set(classes) - {file.parent.name for file in files if file not in tests}
    if missing:
        raise UserError(f"{folder / 'train'} has no images of the class '{min(missing)}', which {folder / 'test'} has")
    headers = []
    with progress(len(files), f"looking at {folder}", "image") as bar:
        for header in _ahead(_header, files):
            headers.append(header)
            bar.update()
    mode = "L" if all(mode in _GREY for mode, _ in headers) else "RGB"
    shape = (size * 2)[:2] or headers[0][1]
    for file, (_, found) in zip(files, headers, strict=True):
        if not size and found != shape:
            raise UserError(
                f"{file} has {found[0]}x{found[1]} pixels (height x width) but {files[0]} has {shape[0]}x{shape[1]}; "
                "make all images one size or set --dataset.size=HEIGHT,WIDTH"
            )
    y = np.array([classes.index(file.parent.name) for file in files], np.int32)
    return Table(Images(files, mode, shape), y, tuple(classes), test_size=len(tests), maximum=255.0)


def read_like(folder: Path, spec: DataSpec, resize: bool) -> tuple[np.ndarray, np.ndarray | None, list[Path]]:
    """(x uint8 [N, H, W, C], y int32 [N], files) of other images: a folder for each class, or all in one folder.

    y is None where they are not in folders. resize: images of another size are resized, as the set's own were.
    Raises UserError for a class that `spec` does not have, and for images of another size.
    """
    if not folder.is_dir():
        raise UserError(f"folder:{folder} is not a folder; expected one with images, or with a folder for each class")
    files = _files(folder) if _folders(folder) else _images([folder])
    if not files:
        raise UserError(f"{folder} has no images")
    y = None
    if _folders(folder):
        unknown = sorted({file.parent.name for file in files} - set(spec.classes))
        if unknown:
            name = unknown[0]
            raise UserError(f"{folder} has the class '{name}', which is unknown; {nearest(name, spec.classes)}")
        y = np.array([spec.classes.index(file.parent.name) for file in files], np.int32)
    height, width, channels = spec.shape
    for file, (_, size) in zip(files, _ahead(_header, files), strict=True):
        if not resize and size != (height, width):
            raise UserError(f"{file} has {size[0]}x{size[1]} pixels; the run was trained on {height}x{width}")
    images = Images(files, "L" if channels == 1 else "RGB", (height, width))
    return np.stack(list(images)), y, files


def _files(folder: Path) -> list[Path]:
    """The files in the class folders, sorted, those of `test/` last; hidden files are left out."""
    parts = _folders(folder)
    if [part.name for part in parts] != ["test", "train"]:
        return _images(parts)
    test, train = parts
    return _images(_folders(train)) + _images(_folders(test))


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _images(folders: list[Path]) -> list[Path]:
    """Raises UserError for a folder without images: a class that nobody can learn."""
    files = {folder: sorted(file for file in folder.iterdir() if not file.name.startswith(".")) for folder in folders}
    for folder, of_class in files.items():
        if not of_class:
            raise UserError(f"{folder} has no images; put some there or remove the folder")
        if inside := next((path for path in of_class if path.is_dir()), None):
            raise UserError(f"{inside} is a folder; {folder} is taken for a class, which has images and nothing else")
    return [file for of_class in files.values() for file in of_class]


def _ahead(function: Callable[[Path], T], files: Sequence[Path]) -> Iterator[T]:
    """The function's values of the files, in their order, worked out ahead by Grain's workers."""
    chunks = [files[first : first + _CHUNK] for first in range(0, len(files), _CHUNK)]
    with Ahead(lambda number: [function(file) for file in chunks[number]], len(chunks), threads=DECODERS) as values:
        for chunk in values:
            yield from chunk


def _header(file: Path) -> tuple[str, tuple[int, int]]:
    """The image's Pillow mode and its (height, width)."""
    with _opened(file) as image:
        return image.mode, (image.height, image.width)


def decode(file: Path, mode: str, shape: tuple[int, ...]) -> np.ndarray:
    """uint8 [H, W, C]."""
    with _opened(file) as image:
        resized = image.convert(mode).resize(shape[::-1], resample=2)  # bilinear; a copy where the size is right
        return np.asarray(resized).reshape(*shape, len(mode))


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[Any]:
    from PIL import Image

    try:
        with Image.open(file) as image:
            if image.mode.startswith(_DEEP):
                raise UserError(f"{file} has more than 8 bits a channel (mode {image.mode}); expected 8")
            yield image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{file} does not decode as an image ({error}); mend it or remove it") from None


def _entry(name: str) -> Entry:
    build = functools.partial(open_folder, name.removeprefix("folder:"))
    options = options_of(open_folder, given={"path", "data_dir", "cache_dir"})
    return Entry(name, build, "a folder of images for each class", options=options)


DATASETS.add_family("folder:", _entry, example="folder:DIR")
