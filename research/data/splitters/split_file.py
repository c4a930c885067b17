"""`file:SPLIT.csv`: the rows of each part, and of each fold, as a file says."""

import csv
import dataclasses
import functools
import hashlib
import itertools
from pathlib import Path

import numpy as np

from research.data.spec import Arrays, DataSpec
from research.data.split import Split, reduced
from research.data.splitters.division import PartSizes
from research.data.splitters.index_sets import drawn_train
from research.errors import ShapeError, UserError, nearest
from research.registry import SPLITTERS, Splitter

PREFIX = "file:"
COLUMNS = ("row", "fold", "part")
_LARGEST = np.iinfo(np.int32).max


# Compared by identity, as arrays have no hash.
@dataclasses.dataclass(frozen=True, eq=False)
class SplitFile:
    """The division that a file lists: `row` (from 0), `part` (train, validation or test), and
    `fold` (from 0) where there are several. Rows that it leaves out are in no part."""

    file: Path
    listed: tuple[Split, ...]
    varies = False
    inner = 0

    def folds(self, spec: DataSpec) -> int:
        """As `Division.folds`."""
        return len(self.listed)

    def sizes(
        self, spec: DataSpec, train_size: int | None = None, seed: int = 0
    ) -> list[PartSizes]:
        """As `Division.sizes`.

        Args:
            spec: the facts of the data set.
            train_size: how many training rows are kept; None: all.
            seed: of no effect.
        """
        if spec.windows:
            raise UserError(
                f"split={PREFIX}{self.file} lists rows, and {spec.name} is one long sequence; give"
                " ratios, as 8:1:1"
            )
        last = max(int(part.max()) for split in self.listed for part in split if len(part))
        if last >= spec.size:
            raise ShapeError(
                f"{self.file}: row {last} is beyond the last row of {spec.name},"
                f" {spec.size - 1}; rows are counted from 0"
            )
        return [
            PartSizes(reduced(len(train), train_size), len(validation), len(test))
            for train, validation, test in self.listed
        ]

    def splits(
        self, spec: DataSpec, arrays: Arrays, *, seed: int, train_size: int | None = None
    ) -> list[Split]:
        """As `Division.splits`.

        Args:
            spec: the facts of the data set.
            arrays: its rows, which may have groups.
            seed: it decides only which rows `train_size` keeps.
            train_size: how many training rows are kept; None: all.
        """
        self.sizes(spec, train_size)
        if arrays.groups is not None:
            for fold, split in enumerate(self.listed):
                self._check_groups(fold, split, arrays.groups)
        labels = np.zeros(spec.size, np.int64)
        if spec.targets.stratified:
            labels = np.asarray(arrays.y, np.int64)
        return [
            split._replace(train=np.sort(drawn_train(split.train, labels, train_size, seed, fold)))
            for fold, split in enumerate(self.listed)
        ]

    def _check_groups(self, fold: int, split: Split, groups: np.ndarray) -> None:
        """Raises UserError if rows of one group are in two parts."""
        for (part, rows), (other, others) in itertools.combinations(split._asdict().items(), 2):
            shared = np.intersect1d(groups[rows], groups[others])
            if not len(shared):
                continue
            first, second = (of_part[groups[of_part] == shared[0]][0] for of_part in (rows, others))
            where = f" of fold {fold}" if len(self.listed) > 1 else ""
            raise UserError(
                f"{self.file}: rows {first} and {second} are of one group, and they are in the"
                f" parts {part} and {other}{where}; put both into one part"
            )


def read(file: Path) -> tuple[Split, ...]:
    """The folds that a file lists.

    Raises:
        UserError: it cannot be read, or a line is wrong; the message names the line.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            table = [*csv.reader(text)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"split={PREFIX}{file}: {reason}") from None
    header = [name.strip() for name in table[0]] if table else []
    if not {"row", "part"} <= {*header} or _unknown(header):
        raise UserError(
            f"{file}: its header is '{','.join(header)}'; expected row,part or row,fold,part"
        )
    parts: dict[tuple[int, str], list[int]] = {}
    seen: dict[tuple[int, int], int] = {}
    for line, cells in enumerate(table[1:], 2):
        if not any(map(str.strip, cells)):
            continue
        where = f"{file}, row {line}"
        if len(cells) != len(header):
            raise UserError(f"{where}: {len(cells)} cells, and the header has {len(header)}")
        given = dict(zip(header, map(str.strip, cells), strict=True))
        row = _number(where, "row", given["row"])
        fold = _number(where, "fold", given.get("fold", "0"))
        part = given["part"]
        if part not in Split._fields:
            raise UserError(
                f"{where}: part '{part}' is none of train, validation and test;"
                f" {nearest(part, Split._fields)}"
            )
        if (fold, row) in seen:
            raise UserError(f"{where}: row {row} is in line {seen[fold, row]} already")
        seen[fold, row] = line
        parts.setdefault((fold, part), []).append(row)
    return _folds(file, parts)


def _unknown(header: list[str]) -> bool:
    """Whether a header has a column of another name, or one twice."""
    return not {*header} <= {*COLUMNS} or len({*header}) < len(header)


def _number(where: str, column: str, text: str) -> int:
    # Rows are kept as int32, and no data set has more.
    if not text.isdecimal() or len(text) > 20 or int(text) > _LARGEST:
        expected = f"a whole number from 0 to {_LARGEST}"
        raise UserError(f"{where}: {column} is '{text}'; expected {expected}")
    return int(text)


def _folds(file: Path, parts: dict[tuple[int, str], list[int]]) -> tuple[Split, ...]:
    """The folds in order. Raises UserError unless each of them trains on some rows."""
    count = 1 + max((fold for fold, _ in parts), default=-1)
    if not count:
        raise UserError(f"{file} lists no rows")
    folds = []
    for fold in range(count):
        if (fold, "train") not in parts:
            raise UserError(f"{file}: fold {fold} has no training rows; folds are counted from 0")
        folds.append(
            Split(
                *(np.sort(parts.get((fold, part), [])).astype(np.int32) for part in Split._fields)
            )
        )
    return tuple(folds)


def _open(file: Path) -> SplitFile:
    return SplitFile(file, read(file))


def _entry(name: str) -> Splitter:
    file = Path(name.removeprefix(PREFIX)).expanduser()
    # A file that is written again is another split: its state tells, without reading it each time.
    state = (file.stat().st_mtime_ns, file.stat().st_size) if file.is_file() else None
    return _entry_of(name, file, state)


@functools.lru_cache(maxsize=64)
def _entry_of(name: str, file: Path, state: tuple[int, int] | None) -> Splitter:
    """The entry of a file in this state; None: it is not there."""
    # The content is part of a run's identity: its digest stands in the place of a version.
    version = 1
    if state is not None:
        version = int.from_bytes(hashlib.sha256(file.read_bytes()).digest()[:6])
    return Splitter(
        name,
        functools.partial(_open, file),
        "the rows of each part, and of each fold, as a csv file lists them",
        version=version,
        seeded=False,
        grouped=True,
    )


SPLITTERS.add_family(PREFIX, _entry, example=_entry("file:SPLIT.csv"))
