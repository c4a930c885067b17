"""The store: a directory of records, one file per run, written whole or not at all."""

import contextlib
import dataclasses
import gc
import hashlib
import json
import math
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from research.durable_files import set_aside, write_atomically, write_once
from research.errors import UserError
from research.sweeps.records.record import Record
from research.training.devices.strategy import ExecutionStrategy

# Format 2 hashes the record's text as it stands in the file. Format 1 hashed the record after
# serializing it again with sorted keys.
FORMAT = 2
_HEAD = '{"format": 2, "sha256": "%s", "record": '
_HEADED = len(_HEAD % ("0" * 64))
_FIELDS = frozenset(field.name for field in dataclasses.fields(Record))
_ID = re.compile("[0-9a-f]{16}")


@dataclasses.dataclass(frozen=True)
class Store:
    """A records directory: `runs/` by id, `ways/` by program, `sweeps/` by name, `damaged/` set
    aside.

    Beside them lie what runs keep (`params/`, `checkpoints/`), who trains them (`claims/`,
    `slurm/`), and `strikes/`.

    warn: receives the message on a damaged file that can be made again.
    """

    root: Path
    warn: Callable[[str], None] = lambda message: None

    def path(self, run_id: str) -> Path:
        """Where a run's record lies; two levels, so that no folder grows too large."""
        return Path(self.record_file(run_id))

    def record_file(self, run_id: str) -> str:
        """The `path` as text: making a Path takes as long as opening the file."""
        return f"{self.root}/runs/{run_id[:2]}/{run_id}.json"

    def written(self, run_id: str) -> int | None:
        """When a run's record was written, in nanoseconds; None if it has none."""
        path = self.path(run_id)
        return path.stat().st_mtime_ns if path.exists() else None

    def prepare(self) -> None:
        """Makes the directory. Raises UserError if it cannot be written."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            raise UserError(
                f"cannot write records to {self.root}: {error.strerror or error}; name another"
                " place with --records"
            ) from None

    def write(self, record: Record) -> Path:
        """Writes a record atomically and returns its path."""
        content = dataclasses.asdict(record)
        # Left out where nothing was fitted, so that such records keep their bytes.
        for name in ("calibration", "selected"):
            if not content[name]:
                del content[name]
        body = json.dumps(_to_json(content))
        path = self.path(record.run_id)
        write_atomically(path, f"{_HEAD % _sha256(body.encode())}{body}}}\n")
        return path

    def read(self, run_id: str) -> Record | None:
        """The record of a run, or None.

        Raises Damaged for a file that does not read back or holds another run's record, which is
        then set aside, and for one that newer code wrote, which stays.
        """
        try:
            with open(self.record_file(run_id), "rb", buffering=0) as file:
                return parse(file.read(), run_id)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UserError(
                f"cannot read the record {self.path(run_id)}: {error.strerror}"
            ) from None
        except Newer as error:
            raise Damaged(
                f"the record {self.path(run_id)} was written by newer code ({error})", stays=True
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            path = self.path(run_id)
            aside = self._set_aside(path, lambda text: parse(text, run_id))
            if aside is None:
                return self.read(run_id)
            moved, where = aside
            raise Damaged(
                f"the record {path} is damaged ({error}); {where}", stays=not moved
            ) from None

    def stays(self, run_id: str) -> bool:
        """Whether a run has a file that is not its record and cannot be replaced; see Damaged."""
        try:
            self.read(run_id)
        except Damaged as damaged:
            return damaged.stays
        return False

    def look_again(self, run_id: str) -> None:
        """Makes visible what another machine has just written for a run."""
        # An NFS client caches for up to a minute that a file is missing; opening its folder
        # (close-to-open consistency) makes it ask the server.
        beside = ("params", f"params/{run_id}", "predictions", "strikes")
        for folder in ("runs", f"runs/{run_id[:2]}", *beside):
            with contextlib.suppress(OSError):
                os.close(os.open(self.root / folder, os.O_RDONLY | os.O_DIRECTORY))

    def _set_aside(self, path: Path, parse: Callable[[bytes], object]) -> tuple[bool, str] | None:
        """As `durable_files.set_aside`; None if another process was faster, and may have written a
        whole one."""
        try:
            moved, where = set_aside(path, self.root / "damaged")
            # Parsed again: another process may have put a whole file there between the reading and
            # the move.
            parse((moved or path).read_bytes())
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            return moved is not None, where
        if moved:  # it was the whole one
            os.replace(moved, path)
        return None

    def forget(self, run_id: str) -> None:
        """Removes a record: its run is to be had again."""
        self.path(run_id).unlink(missing_ok=True)

    def find(self, run_ids: Iterable[str]) -> "tuple[dict[str, Record], list[Damaged]]":
        """(the records that are there by id, what is to be said of each file that is not
        believed)."""
        records: dict[str, Record] = {}
        messages: list[Damaged] = []
        with not_collecting():
            for run_id in run_ids:
                try:
                    record = self.read(run_id)
                except Damaged as damaged:
                    messages.append(damaged)
                    continue
                if record is not None:
                    records[run_id] = record
        return records, messages

    def ids(self) -> Iterator[str]:
        """The ids of every record here. Files of other names, and in other folders, are nobody's
        record."""
        paths = sorted((self.root / "runs").glob("*/[!.]*.json"))
        return (
            path.stem
            for path in paths
            if path.parent.name == path.stem[:2] and _ID.fullmatch(path.stem)
        )

    def write_json(self, folder: str, name: str, value: Any) -> None:
        """Writes a small file beside the records (a sweep's requests, a program's strategy).

        Args:
            folder: the folder in the records directory.
            name: the file's name, without its ending.
            value: its content.

        Raises:
            UserError: the file cannot be written.
        """
        write_atomically(self.root / folder / f"{name}.json", json.dumps(value, indent=1))

    def keep_json(self, folder: str, name: str, value: Any) -> Any:
        """Writes a small file unless it is there.

        Args:
            folder: the folder in the records directory.
            name: the file's name, without its ending.
            value: its content.

        Returns:
            The content of the file: of several processes that write, the first one's value.

        Raises:
            UserError: the file cannot be written.
        """
        path = self.root / folder / f"{name}.json"
        write_once(path, json.dumps(value, indent=1))
        return self.read_json(folder, name)

    def read_json(self, folder: str, name: str) -> Any | None:
        """A small file's content, or None. A damaged one is set aside; of a strategy it says so,
        else raises Damaged."""
        path = self.root / folder / f"{name}.json"
        parse = _parse_strategy if folder == "ways" else json.loads
        try:
            return parse(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError) as error:
            aside = self._set_aside(path, parse)
            if aside is None:
                return self.read_json(folder, name)
            moved, where = aside
            if folder != "ways":
                raise Damaged(f"{path} is damaged ({error}); {where}", stays=not moved) from None
            self.warn(
                f"the execution strategy {path} is damaged ({error}); {where}; it is chosen again"
            )
            return None


class Damaged(UserError):
    """A record, or another file of the store, that is not believed.

    stays: it is still in its place, because newer code wrote it or because the directory cannot be
        written.
    """

    def __init__(self, message: str, stays: bool = False) -> None:
        super().__init__(message)
        self.stays = stays


class Newer(ValueError):
    """A record that newer code wrote: nothing is wrong with it."""


@contextlib.contextmanager
def not_collecting() -> Iterator[None]:
    """Disables the cyclic garbage collector: records contain no cycles, and among those of a large
    sweep the search for cycles took as long as reading."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def parse(text: bytes, run_id: str) -> Record:
    """A record's file as the Record of that run.

    Raises ValueError, KeyError or TypeError if it is damaged or another run's, Newer if newer code
    wrote it.
    """
    content = orjson.loads(text)
    if not isinstance(content, dict) or content.get("format") not in (1, FORMAT):
        written = content.get("format") if isinstance(content, dict) else None
        if isinstance(written, int) and written > FORMAT:
            raise Newer(f"it has format {written}, this code reads up to {FORMAT}")
        raise ValueError(f"not a record of format {FORMAT}")
    body = content["record"]
    hashed = json.dumps(body, sort_keys=True).encode() if content["format"] == 1 else _body(text)
    if content["sha256"] != _sha256(hashed):
        raise ValueError("its checksum does not fit")
    if body["run_id"] != run_id:
        raise ValueError(f"it holds the record of run {body['run_id']}; was it copied or renamed?")
    if unknown := sorted(body.keys() - _FIELDS):
        raise Newer(f"it has the field '{unknown[0]}', which this code does not know")
    # JSON has no NaN and no infinity: they are stored as text, which float reads.
    body["metrics"] = {k: float(v) for k, v in body["metrics"].items()}
    body["curves"] = {k: list(map(float, values)) for k, values in body["curves"].items()}
    # Runs of a sweep share nearly all of these texts, which were half of a large sweep's memory.
    body["config"] = {k: sys.intern(v) for k, v in body["config"].items()}
    provenance = body["provenance"]
    provenance |= {k: sys.intern(v) for k, v in provenance.items() if isinstance(v, str)}
    return Record(**body)


def _body(text: bytes) -> bytes:
    """The record's own text in its file's."""
    return text[_HEADED:].rstrip().removesuffix(b"}")


def _parse_strategy(text: bytes) -> Any:
    """A strategy's file. Raises ValueError, KeyError or TypeError if it is damaged."""
    content = json.loads(text)
    ExecutionStrategy.from_json(content["way"])
    dict(content["seconds_per_lane_step"])
    return content


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _to_json(value: Any) -> Any:
    """JSON has no NaN or infinity: they become their names."""
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, dict):
        return {key: _to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(item) for item in value]
    return value
