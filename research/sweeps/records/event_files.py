"""TensorBoard event files, written without TensorFlow: curves while a run trains, hyperparameters,
final metrics."""

import contextlib
import dataclasses
import datetime
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from research import config as config_lib
from research.config import SEEDS
from research.errors import UserError
from research.sweeps.declare.strengths import KEY as REGULARIZATION
from research.sweeps.declare.strengths import strengths
from research.sweeps.execute.observer import Curves
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.records.record import Record
from research.sweeps.records.tf_records import framed

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

# Seconds between two writings for one run.
EVERY = 2.0
# In a run's folder: its events are complete.
COMPLETE = "complete"
# Characters of a folder's name before the run's id; file systems take 255 bytes.
LONGEST = 150
# Settings that it does not have, or has elsewhere: most follow from the data set.
_UNNAMED = ("dataset", "arch", "seed", "task", "loss", "split", *SEEDS.values())


@dataclasses.dataclass
class _Live:
    """A run that trains: its file, when each of its epochs ended here (seconds since 1970), and
    what is written."""

    file: Path
    times: dict[int, float]
    written: int
    due: float = 0.0


class Events:
    """The event files of runs in a directory, a folder for each: DIR/<settings>,<run
    id>/events.out.tfevents.….

    What cannot be written, as on a full disk, is warned of once; training goes on, and whoever asks
    for the events of the run again writes them whole from its record.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._directory = Path(directory)
        self._warn = warn
        self._clock = clock
        self._live: dict[str, _Live] = {}
        self._folders: dict[str, Path] | None = None
        self._warned = False
        # Packs train in threads of their own.
        self._lock = threading.Lock()

    def curves(self, runs: Sequence[PlannedRun], curves: Callable[[], Sequence[Curves]]) -> None:
        """An epoch of these runs is done: writes their curves so far, every EVERY seconds at
        most."""
        now = self._clock()
        with self._lock:
            for run in runs:
                if run.id in self._live:
                    times = self._live[run.id].times
                    times[len(times) + 1] = now
            due = [run for run in runs if run.id not in self._live or now >= self._live[run.id].due]
            if not due:
                return
            of_run = dict(zip((run.id for run in runs), curves(), strict=True))
            for run in due:
                config = config_lib.to_flags(run.config)
                with self._warned_of(run.id, config) as folder:
                    self._advance(run.id, config, folder, of_run[run.id], now)

    def record(self, record: Record) -> None:
        """A run is over: its events are completed, unless they are complete already."""
        with self._lock, self._warned_of(record.run_id, record.config) as folder:
            live = self._live.pop(record.run_id, None)
            now = self._clock()
            if (folder / COMPLETE).exists():
                return
            if live is not None and live.file.exists():
                rest = _epochs(record.curves, live.times, live.written)
                _append(live.file, [*rest, *_end(record, now)])
            else:
                _forget(folder)
                _append(_file(folder, now), _whole(record, now))
            (folder / COMPLETE).touch()

    def _advance(
        self, run_id: str, config: Mapping[str, str], folder: Path, curves: Curves, now: float
    ) -> None:
        """Appends the epochs of a run that are not written yet."""
        done = max(map(len, curves.values()), default=0)
        live = self._live.get(run_id)
        if live is None or not live.file.exists():
            (folder / COMPLETE).unlink(missing_ok=True)
            # What an earlier process wrote stays up to the checkpoint from which this one goes on.
            # A run that diverges at once has no complete epoch.
            earlier = max(0, min(_last_epoch(folder), done - 1))
            live = _Live(_file(folder, now), dict.fromkeys(range(1, done + 1), now), earlier)
            self._live[run_id] = live
            restart = [_restart(earlier + 1, now)] if earlier else []
            _append(live.file, [*_start(config, now), *restart])
        _append(live.file, _epochs(curves, live.times, live.written))
        live.written = done
        live.due = now + EVERY

    def _folder(self, run_id: str, config: Mapping[str, str]) -> Path:
        """The folder of a run; its settings are for the reader, its id is what it is found by."""
        # Listed once: there may be thousands.
        if self._folders is None:
            there = sorted(self._directory.iterdir()) if self._directory.exists() else []
            self._folders = {path.name.rpartition(",")[2]: path for path in there}
        return self._folders.setdefault(run_id, self._directory / f"{_readable(config)},{run_id}")

    @contextlib.contextmanager
    def _warned_of(self, run_id: str, config: Mapping[str, str]) -> Iterator[Path]:
        """The folder of a run. What was half written is removed, since it cannot be read, and
        warned of once."""
        try:
            folder = self._folder(run_id, config)
            yield folder
        except OSError as error:
            self._live.pop(run_id, None)
            with contextlib.suppress(OSError):
                _forget(self._folder(run_id, config))
            if not self._warned:
                self._warned = True
                why = (
                    f"TensorBoard's events cannot be written to {self._directory}"
                    f" ({error.strerror or error})"
                )
                self._warn(
                    f"{why}; training goes on, and the same command writes them once they can be"
                )


def _readable(config: Mapping[str, str]) -> str:
    """`wine,mlp,learning_rate=0.1,seed=0`: the data set, the architecture, what is not at its
    default, and the seed."""
    try:
        changed = config_lib.non_default(config_lib.resolve(config)[0])
    except UserError:  # the record of other code
        changed = dict(config)
    first = [Path(config.get(key, "")).name for key in ("dataset", "arch")]
    rest = [f"{key}={value}" for key, value in changed.items() if key not in _UNNAMED]
    # Characters that a shell or a file system reads in its own way are left out.
    name = re.sub(r"[^\w.,=+-]+", "_", ",".join([*first, *rest]), flags=re.ASCII)
    return f"{name[:LONGEST]},seed={config.get('seed', 0)}"


def _file(folder: Path, now: float) -> Path:
    """A new file. TensorBoard reads those of a folder in the order of their names, so the time
    comes first."""
    return folder / f"events.out.tfevents.{now:017.6f}.{socket.gethostname()}.{os.getpid()}"


def _last_epoch(folder: Path) -> int:
    """The last epoch that the files of a folder have; 0 if none."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    files = sorted(folder.glob("events.*")) if folder.exists() else []
    return max(
        (event.step for file in files for event in EventFileLoader(str(file)).Load()), default=0
    )


def _forget(folder: Path) -> None:
    """Removes what a process that died, or found the disk full, has left."""
    for file in folder.glob("events.*"):
        file.unlink(missing_ok=True)


def _append(file: Path, messages: Sequence[bytes]) -> None:
    """Appends serialized events, so that a reader sees them at once."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "ab") as out:
        out.write(framed(messages))


def _epochs(curves: Curves, times: Mapping[int, float], written: int) -> list[bytes]:
    """The epochs after those that are written, an event each, at the times when they ended."""
    last = max(map(len, curves.values()), default=0)
    ended = max(times.values(), default=0.0)
    messages = []
    event = _scalars({}, 0, ended)
    for epoch in range(written + 1, last + 1):
        values = {name: curve[epoch - 1] for name, curve in curves.items() if epoch <= len(curve)}
        # One event gets new numbers each time, since making one takes ten times as long. A curve
        # may end before the others, so the number of values says which curves they are of.
        if len(values) != len(event.summary.value):
            event = _scalars(values, epoch, ended)
        for slot, value in zip(event.summary.value, values.values(), strict=True):
            slot.simple_value = value
        event.step = epoch
        event.wall_time = times.get(epoch, ended)
        messages.append(event.SerializeToString())
    return messages


def _scalars(values: Mapping[str, float], step: int, now: float) -> "Event":
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    summary = Summary(
        value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
    )
    return Event(wall_time=now, step=step, summary=summary)


def _restart(step: int, now: float) -> bytes:
    """Tells TensorBoard that what follows takes the place of what was written from this step on."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    event = Event(wall_time=now, step=step, session_log=SessionLog(status=SessionLog.START))
    return event.SerializeToString()


def _whole(record: Record, now: float) -> list[bytes]:
    """All events of a record; its epochs are spread evenly over the time that its training took."""
    began, seconds = _trained(record, now)
    epochs = max(map(len, record.curves.values()), default=0)
    times = {epoch: began + seconds * epoch / epochs for epoch in range(1, epochs + 1)}
    return [
        *_start(record.config, began),
        *_epochs(record.curves, times, 0),
        *_end(record, began + seconds),
    ]


def _trained(record: Record, now: float) -> tuple[float, float]:
    """When the training of a record began (seconds since 1970), and how many seconds it took."""
    origin = record.provenance
    try:
        began = datetime.datetime.fromisoformat(str(origin["date"])).timestamp()
        return began, float(origin["seconds"]) * float(origin["lanes"])
    except (KeyError, ValueError, TypeError):
        return now, 0.0


def _end(record: Record, now: float) -> list[bytes]:
    """The final metrics, and that the run is over."""
    from tensorboard.plugins.hparams import api_pb2
    from tensorboard.plugins.hparams.metadata import SESSION_END_INFO_TAG
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo

    status = api_pb2.STATUS_SUCCESS if record.status == "finished" else api_pb2.STATUS_FAILURE
    ended = HParamsPluginData(session_end_info=SessionEndInfo(status=status, end_time_secs=now))
    final = {f"final/{name}": value for name, value in record.metrics.items()}
    epochs = max(map(len, record.curves.values()), default=0)
    return [
        *([_scalars(final, epochs, now).SerializeToString()] if final else []),
        _hparams(SESSION_END_INFO_TAG, ended, now),
    ]


def _start(config: Mapping[str, str], now: float) -> list[bytes]:
    """The beginning of a file: its version, and the run's settings for TensorBoard's table of
    hyperparameters, where numbers are numbers."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.hparams.metadata import SESSION_START_INFO_TAG
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo

    info = SessionStartInfo(start_time_secs=now)
    for key, text in {**config, **strengths(config.get(REGULARIZATION, "none"))}.items():
        try:
            info.hparams[key].number_value = float(text)
        except ValueError:
            info.hparams[key].string_value = text
    return [
        Event(wall_time=now, file_version="brain.Event:2").SerializeToString(),
        _hparams(SESSION_START_INFO_TAG, HParamsPluginData(session_start_info=info), now),
    ]


def _hparams(tag: str, content: Any, now: float) -> bytes:
    """The event of TensorBoard's HParams plugin: its `summary` module makes the same, and needs
    TensorFlow."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams.metadata import NULL_TENSOR, create_summary_metadata

    value = Summary.Value(tag=tag, metadata=create_summary_metadata(content), tensor=NULL_TENSOR)
    return Event(wall_time=now, summary=Summary(value=[value])).SerializeToString()
