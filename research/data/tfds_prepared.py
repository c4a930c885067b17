"""Data sets prepared in TFDS's layout, found by name in a data directory: `mnist`,
`emnist/letters`, `mnist:3.0.1`."""

import functools
import os
import re
from pathlib import Path
from typing import Any

from research.data import reader
from research.data.adapted import OPTIONS, adapted
from research.data.array_cache import digest, open_cached
from research.data.spec import Source
from research.errors import Unknown, UserError, nearest
from research.registry import DATASETS, Entry

_LAYOUTS = ("*/*/dataset_info.json", "*/*/*/dataset_info.json")  # name/version, name/config/version
# How the names of files end that csv: and text: read.
_TABLES = {".csv", ".tsv", ".tab", ".psv"}
_TEXTS = {".txt", ".md"}


def open_prepared(name: str, *, data_dir: str | None, cache_dir: str, **asked: Any) -> Source:
    """A set that TFDS has prepared.

    Its own test split stays its test set; `validation` joins the training rows.

    Args:
        name: the set's name in the data directory: `mnist`, `emnist/letters`, `mnist:3.0.1`.
        data_dir: the folder of prepared sets; None: $TFDS_DATA_DIR, else ~/tensorflow_datasets.
        cache_dir: where the decoded arrays are kept.
        **asked: the options of `adapted`.

    Raises:
        UserError: the set is not prepared, or does not hold examples of one shape with a label.

    Example:
        >>> from research.data.builder import prepare
        >>> from research.data.data_table import Table
        >>> labels = np.arange(20, dtype=np.int32) % 2
        >>> digits = Table(np.zeros((20, 28, 28, 1), np.uint8), labels, ("0", "1"))
        >>> folder = prepare(digits, "mnist", "3.0.1", Path("prepared"))
        >>> open_prepared("mnist", data_dir="prepared", cache_dir="cache").spec.inputs.shape
        (28, 28, 1)
    """
    directory = find(name, data_dir)
    plain = name.partition(":")[0]
    files = sorted(
        path for path in directory.iterdir() if path.is_file() and not path.name.startswith(".")
    )
    content = digest([reader.VERSION, *(part for path in files for part in (path.name, path))])
    key = f"{plain.replace('/', '-')}-{content}"
    source = open_cached(key, lambda: directory, cache_dir=cache_dir, name=plain)
    return adapted(source, cache_dir=cache_dir, **asked)


def data_directory(data_dir: str | None) -> Path:
    """Where prepared sets lie: `data_dir`, else $TFDS_DATA_DIR, else ~/tensorflow_datasets."""
    return Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()


def available(data_dir: str | None) -> dict[str, list[Path]]:
    """The prepared sets by name, each with the directories of its versions, the newest last."""
    root = data_directory(data_dir)
    versions_of: dict[str, list[Path]] = {}
    for directory in (info.parent for layout in _LAYOUTS for info in root.glob(layout)):
        if re.fullmatch(r"\d+\.\d+\.\d+", directory.name):
            versions_of.setdefault(directory.parent.relative_to(root).as_posix(), []).append(
                directory
            )
    for versions in versions_of.values():
        versions.sort(key=lambda directory: [int(number) for number in directory.name.split(".")])
    return versions_of


def find(name: str, data_dir: str | None) -> Path:
    """The directory of a prepared set, of its newest version unless `name` has one. Raises
    UserError if there is none.

    The error says where it looked, what is there, the nearest names and what to do.
    """
    root = data_directory(data_dir)
    sets = available(data_dir)
    plain, _, version = name.partition(":")
    for directory in reversed(sets.get(plain, [])):
        if version in ("", directory.name):
            return directory
    if plain in sets:
        versions = ", ".join(directory.name for directory in sets[plain])
        raise UserError(
            f"the data set '{plain}' is prepared in {root} as version {versions}, not {version}"
        )
    if advice := _advice(plain):
        raise UserError(advice)
    known = {*sets, *(entry for entry in DATASETS.names() if entry != plain)}
    there = f"has {', '.join(sorted(sets)) or 'no data set'}" if root.is_dir() else "does not exist"
    hint = nearest(plain, known)
    hint += "" if hint.endswith("?") else "."
    raise Unknown(
        f"the data set '{name}' is neither bundled nor prepared: looked in {root}, which {there}; "
        f"{hint} Set --data_dir or TFDS_DATA_DIR to the folder that has it, or prepare it there "
        f"(needs TensorFlow): tfds build {plain} --file_format=array_record --data_dir={root}"
    )


def _advice(name: str) -> str:
    """What to give for the path of a file or folder, "" for a name that is none."""
    path = Path(name).expanduser()
    suffixes = {suffix.lower() for suffix in path.suffixes}
    looks_like_folder = name.endswith("/") or name.startswith((".", "~", "/"))
    if (path / "dataset_info.json").is_file():
        parent = "--data_dir=DIR, where DIR/NAME/VERSION is this folder"
        return f"'{name}' is the folder of a prepared data set; give its name and {parent}"
    if path.is_dir():
        return (
            f"'{name}' is a folder; --dataset=folder:{name} reads images in a folder per class, and"
            " --data_dir names a folder of prepared data sets"
        )
    kind = "csv" if suffixes & _TABLES else "text" if suffixes & _TEXTS else ""
    if path.is_file():
        kinds = [kind] if kind else ["csv", "text"]
        ways = " or ".join(f"--dataset={each}:{name}" for each in kinds)
        return f"'{name}' is a file; {ways} reads it"
    if kind:
        return f"there is no file '{name}'; --dataset={kind}:FILE reads one that is there"
    if looks_like_folder:
        return (
            f"there is no folder '{name}'; --dataset=folder:DIR reads images in a folder per class"
        )
    return ""


def _entry(name: str, summary: str = "a set prepared with TFDS", paper: str = "") -> Entry:
    return Entry(name, functools.partial(open_prepared, name), summary, paper, options=OPTIONS)


DATASETS.add(
    _entry(
        "mnist",
        "70,000 handwritten digits, 28x28 grey, 10 classes, own test set of 10,000; prepared with"
        " TFDS",
        "LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition,"
        " 1998",
    )
)
DATASETS.add(
    _entry(
        "cifar10",
        "60,000 photographs, 32x32 colour, 10 classes, own test set of 10,000; prepared with TFDS",
        "Krizhevsky, Learning multiple layers of features from tiny images, 2009",
    )
)
# Any other name: only the data directory knows what is prepared.
DATASETS.add_family("", _entry)
