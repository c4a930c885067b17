"""Notes on a folder of images: classes that look alike, transparency, colours of print, images that
are not read."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from research.data import images
from research.data.garbled import garbled
from research.data.image_files import ImageFile, class_folders, loose_files, text_of
from research.data.images import Background, Header
from research.data.lookalikes import lookalikes


def remarks_on(
    folder: Path, files: Sequence[ImageFile], headers: Sequence[Header], background: Background
) -> Iterator[str]:
    """What a reader of a table made of these images must know.

    Args:
        folder: the folder.
        files: its images, with their classes and parts.
        headers: of each image.
        background: what shows where an image is transparent.
    """

    def of(path: Path) -> str:
        return text_of(path.relative_to(folder))

    labels = dict.fromkeys(file.label for file in files)
    yield from lookalikes(labels, "its classes")
    yield from garbled(labels, "its classes")
    tested = {file.label for file in files if file.part == "test"}
    if tested and (untested := sorted({*labels} - tested)):
        others = f" and {len(untested) - 1} more classes" if len(untested) > 1 else ""
        yield f"its test images have none of the class '{untested[0]}'{others}"
    yield from _on_folders(files)
    yield from on_colours(folder, [file.path for file in files], headers, background)
    validation = [file.path for file in files if file.part == "validation"]
    if validation:
        yield (
            f"its {of(validation[0].parent.parent)}/ ({len(validation)} images) joins the training"
            " rows, from which --split draws the validation rows"
        )
    yield from on_loose(folder)


def on_loose(folder: Path) -> Iterator[str]:
    """A note if there are images that belong to no class."""
    loose = [path for path in loose_files(folder) if images.has_image_name(path)]
    if loose and class_folders(folder):
        first = text_of(loose[0].relative_to(folder))
        yield (
            f"{len(loose)} images beside the folders of classes are not read (the first is {first})"
            if len(loose) > 1
            else f"1 image beside the folders of classes is not read (it is {first})"
        )


def _on_folders(files: Sequence[ImageFile]) -> Iterator[str]:
    """A note if several folders are one class, as their names differ in how letters are composed
    alone."""
    folders: dict[tuple[str, str], set[Path]] = {}
    for file in files:
        folders.setdefault((file.part, file.label), set()).add(file.path.parent)
    joined = [label for (_, label), of_class in folders.items() if len(of_class) > 1]
    if joined:
        yield (
            f"two folders are read as one class, '{joined[0]}': their names differ only in how"
            " letters are composed"
        )


def on_colours(
    folder: Path, files: Sequence[Path], headers: Sequence[Header], background: Background
) -> Iterator[str]:
    """Notes if some images are composed with a background, or have the colours of print.

    Args:
        folder: the folder.
        files: its images.
        headers: of each image.
        background: what shows where an image is transparent.
    """
    printed = [file for file, header in zip(files, headers, strict=True) if header.printed]
    if printed:
        first = text_of(printed[0].relative_to(folder))
        yield (
            f"{len(printed)} of its {len(files)} images have the colours of print (CMYK, Lab; the"
            f" first is {first}) and are converted without a colour profile; save them in RGB for"
            " exact colours"
        )
    transparent = [file for file, header in zip(files, headers, strict=True) if header.transparent]
    if transparent:
        first = text_of(transparent[0].relative_to(folder))
        yield (
            f"{len(transparent)} of its {len(files)} images have an alpha channel (the first is"
            f" {first}); what is transparent in them is {background} (--dataset.background)"
        )
