"""The images of a folder, each with its class and its part: training, validation or test."""

import dataclasses
import os
import unicodedata
from pathlib import Path

from research.errors import UserError

# What the names of a set's parts may be, in lower case.
PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
LAYOUT = (
    "expected a folder of images per class; or train/, and test/ and val/ if there are any, with a"
    " folder of images per class in each"
)
# What operating systems leave behind, in lower case; names that begin with a dot are left out
# besides.
_LEFT_BEHIND = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir"}


@dataclasses.dataclass(frozen=True, slots=True)
class ImageFile:
    """A file, its class, and the part that it belongs to; '' where the folder has no parts."""

    path: Path
    label: str
    part: str = ""


def text_of(name: Path | str) -> str:
    """A path or its name as text; bytes that are not UTF-8 are written `\\xe9`, composed letters in
    one way."""
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "backslashreplace"))


def image_files(folder: Path) -> list[ImageFile]:
    """The images by class folders: those of train/ first, then validation's, then test's, each
    sorted by path.

    Raises UserError for another layout, and for a class folder without images.
    """
    parts = _parts(folder)
    if not parts:
        folders = class_folders(folder)
        # As an archive unpacks into a folder of its own name.
        if len(folders) == 1 and class_folders(folders[0]):
            raise UserError(
                f"{text_of(folder)} has one folder, with folders inside; give that one:"
                f" folder:{text_of(folders[0])}"
            )
        return _of_classes(folder, "")
    return [
        file
        for part in ("train", "validation", "test")
        if part in parts
        for file in _of_classes(parts[part], part)
    ]


def images_in(folder: Path) -> list[Path]:
    """The files of one folder, sorted. Raises UserError for a folder inside, and for what is no
    file."""
    files = _entries(folder)
    for file in files:
        if file.is_dir():
            raise UserError(f"{text_of(file)} is a folder inside the folder of a class; {LAYOUT}")
        if not file.is_file():
            raise UserError(
                f"{text_of(file)} cannot be read (a broken link?); repair it or remove it"
            )
    return files


def class_folders(folder: Path) -> list[Path]:
    """The folders in a folder, sorted."""
    return [path for path in _entries(folder) if path.is_dir()]


def loose_files(folder: Path) -> list[Path]:
    """Files beside the folders of classes, which are not read."""
    roots = [folder, *_parts(folder).values()]
    return [path for root in roots for path in _entries(root) if not path.is_dir()]


def parts_of(folder: Path) -> list[str]:
    """The names of the folders in a folder, if all are those of parts with classes in them."""
    folders = class_folders(folder)
    if all(path.name.lower() in PARTS and class_folders(path) for path in folders):
        return [path.name for path in folders]
    return []


def _of_classes(folder: Path, part: str) -> list[ImageFile]:
    files = []
    for of_class in class_folders(folder):
        images = images_in(of_class)
        if not images:
            raise UserError(
                f"{text_of(of_class)} has no images; put some there or remove the folder"
            )
        files += [ImageFile(path, text_of(of_class.name), part) for path in images]
    return files


def _parts(folder: Path) -> dict[str, Path]:
    """The folders of the parts by what they are; empty where the folders are classes.

    A class may be called `train` (beside `bus`), so only names that are all those of parts are
    taken for parts.
    """
    folders = class_folders(folder)
    named = [path for path in folders if path.name.lower() in PARTS]
    if not named:
        return {}
    if others := [path for path in folders if path not in named]:
        if any(map(class_folders, named)):
            raise UserError(
                f"{text_of(folder)} has {text_of(others[0].name)}/ beside {named[0].name}/;"
                f" {LAYOUT}"
            )
        return {}
    parts: dict[str, Path] = {}
    for path in named:
        part = PARTS[path.name.lower()]
        if part in parts:
            raise UserError(
                f"{text_of(folder)} has both {parts[part].name}/ and {path.name}/; leave one of"
                " them out"
            )
        if not class_folders(path):
            raise UserError(f"{text_of(path)} has no class folder; {LAYOUT}")
        parts[part] = path
    if "train" not in parts:
        raise UserError(f"{text_of(folder)} has {named[0].name}/ but no train/; {LAYOUT}")
    return parts


def _entries(folder: Path) -> list[Path]:
    # A file system lists in any order, and the order decides the rows' numbers.
    paths = sorted(folder.iterdir())
    return [
        path
        for path in paths
        if not path.name.startswith(".") and path.name.lower() not in _LEFT_BEHIND
    ]
