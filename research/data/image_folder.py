"""`folder:DIR`: a folder of images per class, or `train/`, `val/` and `test/` with a folder per
class in each."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np

from research.data import images
from research.data.array_cache import digest
from research.data.builder import open_built
from research.data.data_table import Table
from research.data.image_files import (
    ImageFile,
    class_folders,
    image_files,
    images_in,
    parts_of,
    text_of,
)
from research.data.image_remarks import on_colours, on_loose, remarks_on
from research.data.images import Background, Flaw, Header
from research.data.prefetcher import DECODERS, Prefetcher
from research.data.progress_bar import progress
from research.data.spec import DataSpec, Source
from research.errors import UserError, nearest
from research.options import Range, options_of
from research.registry import DATASETS, Entry

# Raised when the same images are read as other arrays.
VERSION = "1.1.0"
_CHUNK = (
    # Files that a worker opens at once: an element of Grain's costs a tenth of a millisecond.
    32
)

T = TypeVar("T")


def open_folder(
    path: str,
    *,
    data_dir: str | None,
    cache_dir: str,
    size: Annotated[tuple[int, ...], Range(1), "resize to height,width (one number for both)"] = (),
    background: Annotated[Background, "what shows where an image is transparent"] = "white",
) -> Source:
    """Images as uint8 [N, H, W, C]: C is 1 if all are grey, else 3, and grey ones become coloured.

    Images are turned upright as their EXIF orientation says.

    Args:
        path: a folder with one folder per class, or with train/, test/ and val/ of such folders.
        data_dir: not used.
        cache_dir: where the decoded images are kept.
        size: rows and columns, or one number for both; (): all images must have one size.
        background: what shows where an image is transparent.

    Raises:
        UserError: an image does not decode, is animated or has more than 8 bits per channel (the
            message names its file), or a class has no images.
    """
    if not path:
        raise UserError("folder: names no directory; write --dataset=folder:DIR")
    folder = Path(path).expanduser()
    if len(size) > 2:
        raise UserError(
            f"dataset.size={','.join(map(str, size))}: expected height,width or one number for both"
        )
    if not folder.is_dir():
        raise UserError(
            f"folder:{path} is not a folder; expected a folder that has one folder of images"
            " per class"
        )
    files = image_files(folder)
    key = f"folder_{digest(_content(folder, files, size, background))}"
    load = functools.partial(read, folder, files, size, background)
    names = tuple(text_of(file.path.relative_to(folder)) for file in files)
    name = f"folder:{text_of(folder.resolve().name)}"
    return open_built(load, key, VERSION, cache_dir=cache_dir, names=names, name=name)


def _content(
    folder: Path, files: Sequence[ImageFile], size: tuple[int, ...], background: Background
) -> Iterator[Any]:
    """What the rows depend on: for each image its class, name and bytes."""
    with progress(len(files), f"checking {text_of(folder)}", "image") as bar:
        yield size, background
        for file in files:
            yield file.path.relative_to(folder).parts
            yield file.path
            bar.update()


@dataclasses.dataclass(frozen=True)
class Images:
    """The images of files as rows uint8 [H, W, C], decoded by Grain's workers as they are taken.

    mode: Pillow's, which says how many channels there are. size: (H, W).
    """

    files: Sequence[Path]
    mode: str
    size: tuple[int, ...]
    background: Background

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all images, [N, H, W, C]."""
        return (len(self.files), *self.size, len(self.mode))

    @property
    def dtype(self) -> np.dtype:
        """Images are bytes."""
        return np.dtype(np.uint8)

    def __iter__(self) -> Iterator[np.ndarray]:
        decode_file = functools.partial(
            decode, mode=self.mode, size=self.size, background=self.background
        )
        yield from _ahead(decode_file, self.files)


def read(
    folder: Path, files: Sequence[ImageFile], size: tuple[int, ...], background: Background
) -> Table:
    """The folder's images as rows, in the order of its `files`, decoded as they are taken.

    Args:
        folder: the folder, for messages.
        files: the image files with their classes and parts.
        size: rows and columns of all images; (): the size that all have.
        background: what shows where an image is transparent.

    Raises:
        UserError: fewer than two classes, a class without training images, or a file that does not
            decode.
    """
    # Sorted by code point, as all readers of folders number their classes.
    classes = sorted({file.label for file in files})
    if len(classes) < 2:
        there = ", ".join(classes) or "none"
        raise UserError(
            f"{text_of(folder)} needs a folder of images for each of two classes or more; it has"
            f" {there}"
        )
    missing = set(classes) - {file.label for file in files if file.part in ("", "train")}
    if missing:
        label = min(missing)
        other = next(file.path.parent.parent for file in files if file.label == label)
        raise UserError(
            f"{text_of(folder / 'train')} has no images of the class '{label}', which"
            f" {text_of(other)} has; {nearest(label, {*classes} - missing)}"
        )
    headers = []
    paths = [file.path for file in files]
    with progress(len(files), f"looking at {text_of(folder)}", "image") as bar:
        for header in _ahead(_header, paths):
            headers.append(header)
            bar.update()
    shape = (size * 2)[:2] or headers[0].size
    for path, header in zip(paths, headers, strict=True):
        if not size and header.size != shape:
            raise UserError(
                f"{text_of(path)} has {_pixels(header.size)} pixels (height x width) but"
                f" {text_of(paths[0])} has {_pixels(shape)}; make all images one size or set"
                " --dataset.size=HEIGHT,WIDTH"
            )
    return Table(
        Images(paths, "L" if all(header.grey for header in headers) else "RGB", shape, background),
        np.array([classes.index(file.label) for file in files], np.int32),
        tuple(classes),
        test_size=sum(file.part == "test" for file in files),
        maximum=255.0,
        notes=tuple(remarks_on(folder, files, headers, background)),
    )


def read_like(
    folder: Path, spec: DataSpec, resize: bool, background: Background = "white"
) -> tuple[np.ndarray, np.ndarray | None, list[Path], list[str]]:
    """Other images for a run: a folder per class, or all in one folder.

    Args:
        folder: the folder.
        spec: the facts of the run's own images, [H, W, C].
        resize: whether images of another size are resized, as the run's own were.
        background: what shows where an image is transparent.

    Returns:
        Images uint8 [N, H, W, C], classes int32 [N] (None: the images are not in folders), their
        files
        and notes.

    Raises:
        UserError: `spec` does not have a class, or an image has another size.
    """
    if not folder.is_dir():
        raise UserError(
            f"folder:{folder} is not a folder; expected one with images, or with a folder for each"
            " class"
        )
    y = None
    if parts := parts_of(folder):
        first = text_of(folder / sorted(parts)[0])
        raise UserError(
            f"{text_of(folder)} has the parts {', '.join(sorted(parts))} of a set; give the one to"
            f" evaluate, such as folder:{first}"
        )
    if class_folders(folder):
        labelled = image_files(folder)
        files = [file.path for file in labelled]
        labels = [file.label for file in labelled]
        if names := spec.targets.label_names:
            y = _places(folder, labels, names)
    else:
        files = images_in(folder)
    if not files:
        raise UserError(f"{text_of(folder)} has no images")
    height, width, channels = spec.inputs.shape
    headers = list(_ahead(_header, files))
    for file, header in zip(files, headers, strict=True):
        if not resize and header.size != (height, width):
            raise UserError(
                f"{text_of(file)} has {_pixels(header.size)} pixels; the run was trained on"
                f" {height}x{width}, so resize the images to that"
            )
    rows = Images(files, "L" if channels == 1 else "RGB", (height, width), background)
    notes = [*on_colours(folder, files, headers, background), *on_loose(folder)]
    coloured = sum(not header.grey for header in headers)
    if channels == 1 and coloured:
        notes.append(f"{coloured} of its {len(files)} images have colours, and are read as grey")
    return np.stack(list(rows)), y, files, notes


def _places(folder: Path, labels: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """The place of each label among the classes, int32 [N]. Raises UserError for a label that is
    none of them."""
    unknown = sorted({*labels} - {*classes})
    if unknown:
        raise UserError(
            f"{folder} has the class '{unknown[0]}', which is unknown;"
            f" {nearest(unknown[0], classes)}"
        )
    return np.array([classes.index(label) for label in labels], np.int32)


def _pixels(size: Sequence[int]) -> str:
    return "x".join(map(str, size))


def _ahead(function: Callable[[Path], T], files: Sequence[Path]) -> Iterator[T]:
    """The function's values of the files, in their order, worked out ahead by Grain's workers."""
    chunks = [files[first : first + _CHUNK] for first in range(0, len(files), _CHUNK)]
    with Prefetcher(
        lambda number: [function(file) for file in chunks[number]], len(chunks), threads=DECODERS
    ) as values:
        for chunk in values:
            yield from chunk


def _header(file: Path) -> Header:
    try:
        return images.header(file)
    except Flaw as flaw:
        raise UserError(f"{text_of(file)} {flaw}") from None


def decode(
    file: Path, mode: str, size: tuple[int, ...], background: Background = "white"
) -> np.ndarray:
    """An image file as uint8 [H, W, C].

    Args:
        file: the image file.
        mode: Pillow's mode, L or RGB.
        size: rows and columns.
        background: what shows where the image is transparent.

    Raises:
        UserError: the file does not decode; the message names it.
    """
    try:
        with images.opened(file) as image:
            upright = images.pixels(image, mode, background)
            # Resample 2 is bilinear; the image is only copied where the size is right.
            return images.array(upright.resize((size[1], size[0]), resample=2))
    except Flaw as flaw:
        raise UserError(f"{text_of(file)} {flaw}") from None


DATASETS.add_family(
    "folder:",
    example=Entry(
        "folder:DIR",
        open_folder,
        "a folder of images for each class",
        options=options_of(open_folder, given={"path", "data_dir", "cache_dir"}),
    ),
)
