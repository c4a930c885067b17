"""The decoded copy: a data set's arrays as .npy files in the cache, made once and found by their
source."""

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from research.data import reader, remarks
from research.data.csv_groups import counts_of
from research.data.data_table import Table, is_even
from research.data.features.stored import to_json
from research.data.narrowed import narrowed
from research.data.one_hot import OneHot
from research.data.repeats import repeats
from research.data.spec import Source, spec_of
from research.durable_files import whole_folder
from research.errors import UserError

# The content is read in pieces of this size for its fingerprint.
_PIECE = 1 << 20

T = TypeVar("T")


def open_cached(
    key: str,
    prepared: Callable[[], Path],
    *,
    cache_dir: str,
    names: Sequence[str] = (),
    **known: Any,
) -> Source:
    """The source of the arrays cached under `key`; the first time, those of a TFDS set are stored.

    Memory does not grow with the data set.

    Args:
        key: names what is read; other content requires another key.
        prepared: finds or makes the directory of the TFDS set.
        cache_dir: where the arrays are kept.
        names: what each row is called; none: its number.
        **known: fields of the spec that are not stored (`name`, ...).

    Raises:
        UserError: `cache_dir` cannot be written.
    """
    return _open(key, prepared, reader.read, cache_dir, known, names)


def open_table(key: str, load: Callable[[], Table], *, cache_dir: str, **known: Any) -> Source:
    """Like `open_cached`, for the table that `load()` returns.

    Args:
        key: names what is read; other content requires another key.
        load: returns the table, whose `x` is an array or OneHot.
        cache_dir: where the arrays are kept.
        **known: fields of the spec that are not stored (`name`, ...).
    """
    return _open(key, load, _write, cache_dir, known)


def _open(
    key: str,
    load: Callable[[], T],
    write: Callable[[T, Path], Table],
    cache_dir: str,
    known: dict[str, Any],
    names: Sequence[str] = (),
) -> Source:
    """write: writes the inputs of what is loaded into an .npy file, and returns the table."""
    directory = Path(cache_dir) / "arrays" / key
    # The copy counts as there once its spec is: the arrays are written before it.
    if not (directory / "spec.json").exists():
        loaded = load()
        # A killed process leaves a hidden partial directory, never half a copy under the key.
        with whole(directory) as partial:
            store(write(loaded, partial / "x.npy"), partial, names)
    return Source(spec_of({**fields_of(directory), **known}), directory, names)


def store(table: Table, directory: Path, names: Sequence[str] = ()) -> None:
    """Writes all of a table but its inputs, which lie in `directory` already.

    Args:
        table: targets [N, ...] and the facts of the spec.
        directory: the folder of the cached arrays.
        names: what each row is called; none: its number.
    """
    for file, array in _files("y", table.y).items():
        np.save(directory / file, array)
    for name, of_rows in (("groups", table.groups), ("weights", table.weights)):
        if of_rows is not None:
            np.save(directory / f"{name}.npy", of_rows)
    (directory / "spec.json").write_text(json.dumps(_stored(table, directory, names)))


def fields_of(directory: Path) -> dict[str, Any]:
    """The flat fields that a directory stores of its DataSpec."""
    stored = json.loads((directory / "spec.json").read_text())
    # An older copy does not say whether it is even.
    if "even" not in stored and _of_steps(stored):
        x, y = (np.load(directory / f"{name}.npy", mmap_mode="r") for name in "xy")
        stored["even"] = is_even(x, y, bool(stored.get("vocabulary")))
    return {name: tuple(part) if isinstance(part, list) else part for name, part in stored.items()}


def task_of(key: str, cache_dir: str) -> str:
    """The task of the arrays that are cached under `key`, "" if there are none."""
    directory = Path(cache_dir) / "arrays" / key
    return str(fields_of(directory)["task"]) if (directory / "spec.json").exists() else ""


def _write(table: Table, file: Path) -> Table:
    """Writes the inputs; returns the table as it is read back."""
    if isinstance(table.x, dict):
        for name, array in _files("x", table.x).items():
            np.save(file.with_name(name), array)
        return narrowed(table, file)
    if isinstance(table.x, OneHot):
        # Stored as the number of the category: one-hot columns would take many times the space.
        np.save(file, table.x.values)
        stored = OneHot(np.load(file, mmap_mode="r"), table.x.kinds)
    else:
        np.save(file, np.asarray(table.x))
        stored = np.load(file, mmap_mode="r")
    return narrowed(dataclasses.replace(table, x=stored), file)


def _files(name: str, arrays: Any) -> dict[str, Any]:
    """The arrays of inputs or targets by the name of their .npy file."""
    if not isinstance(arrays, dict):
        return {f"{name}.npy": arrays}
    return {f"{name}_{part}.npy": array for part, array in arrays.items()}


def digest(parts: Iterable[Any]) -> str:
    """16 hex digits of SHA-256 over the parts: files (their bytes) and anything else (its repr)."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            with part.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
        else:
            # The null byte keeps ("ab", "c") apart from ("a", "bc").
            total.update(f"{part!r}\0".encode())
    return total.hexdigest()[:16]


def _stored(table: Table, directory: Path, names: Sequence[str]) -> dict[str, Any]:
    """The fields of the spec that a table determines, its fingerprint included. directory: has its
    arrays."""
    fields = {
        "task": table.task or ("classification" if table.classes else "regression"),
        "shape": table.x.shape[1:] if table.inputs is None else table.inputs.shape,
        "classes": table.classes,
        "features": table.features,
        "maximum": float(table.maximum),
        "size": table.size,
        "test_size": table.test_size,
        "note": table.note,
    }
    of_steps = {
        "vocabulary": table.vocabulary,
        "target_shape": () if table.targets else table.y.shape[1:],
        "source": table.source,
        "end": table.end,
    }
    of_numbers = {
        "origin": table.origin,
        "target_origin": table.target_origin,
        "series": table.series,
    }
    fields |= {name: value for name, value in (of_steps | of_numbers).items() if value}
    features = {"inputs": table.inputs, "targets": table.targets}
    fields |= {name: to_json(feature) for name, feature in features.items() if feature}
    if table.groups is not None:
        fields["group_counts"] = counts_of(table.groups, table.y, table.classes)
    if table.weights is not None:
        fields["weighted"] = True
    # The arrays, not the files they came from: array_record files of equal content differ from
    # process to process.
    content = hashlib.sha256(json.dumps(fields).encode())
    # The layout as it is read, not as it is stored.
    one_hot = table.x if isinstance(table.x, OneHot) else None
    for file, array in (_files("x", table.x) | _files("y", table.y)).items():
        pieces: Iterator[Any] = (
            array.blocks() if isinstance(array, OneHot) else _pieces(directory / file)
        )
        # Equal bytes of another type or shape are other data.
        content.update(f"{array.dtype.str}{array.shape}".encode())
        for piece in pieces:
            content.update(piece)
    for of_rows in (table.groups, table.weights):
        if of_rows is not None:
            content.update(of_rows.tobytes())
    kinds = {"kinds": one_hot.kinds} if one_hot else {}
    stored = one_hot.values if one_hot else table.x
    row_name = names.__getitem__ if names else "row {}".format
    # Steps of a series and tokens recur, which makes no example a copy of another.
    drawn = not (table.sequence or table.vocabulary or table.test_size)
    repeated = (
        []
        if table.sequence or table.inputs or table.targets
        else repeats(stored, table.y, table.test_size, row_name, copies=drawn)
    )
    notes = list(dict.fromkeys([*table.notes, *remarks.of_columns(table), *repeated]))
    gaps = {"missing": remarks.first_missing(table), "numbered": table.numbered}
    of_reading = {name: value for name, value in (gaps | {"units": table.units}).items() if value}
    # Notes may be worded better one day, which makes no other data of the arrays.
    fields |= {"fingerprint": content.hexdigest()[:32], "notes": notes}
    if _of_steps(fields):
        y = np.zeros(table.size) if table.targets else table.y
        fields["even"] = is_even(np.asarray(table.x), y, bool(table.vocabulary))
    return fields | kinds | of_reading


def _of_steps(fields: dict[str, Any]) -> bool:
    """Whether the inputs are tokens, or there is a target at each step."""
    return bool(fields.get("vocabulary") or fields.get("target_shape"))


def _pieces(file: Path) -> Iterator[bytes]:
    """The numbers of an .npy file, read and not mapped, so that they do not count as the process's
    memory."""
    with file.open("rb") as array:
        np.lib.format.read_magic(array)
        np.lib.format.read_array_header_1_0(array)
        while piece := array.read(_PIECE):
            yield piece


@contextlib.contextmanager
def whole(directory: Path) -> Iterator[Path]:
    """A directory to fill that gets its name once it is filled, unless another process was
    first. Raises UserError if it cannot be written."""
    try:
        with whole_folder(directory) as partial:
            yield partial
    except OSError as error:
        reason = error.strerror or error
        raise UserError(
            f"cannot write the cache directory {directory.parent.parent}: {reason}; name another"
            " with --cache_dir"
        ) from None
