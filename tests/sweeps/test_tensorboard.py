"""TensorBoard's files, read by TensorBoard: while a run trains, after it, on a disk that is full,
after a restart."""

import contextlib
import dataclasses
import errno
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.metadata import (
    parse_session_end_info_plugin_data,
    parse_session_start_info_plugin_data,
)

from research import config as config_lib
from research.sweeps.records import event_files
from research.sweeps.records.event_files import COMPLETE, EVERY, Events
from research.sweeps.records.record import Record
from tests.support.engine import run

RUN = run(dataset="wine", learning_rate=0.3, regularization="dropout=0.25", epochs=4, seed=3)
LOSS = [2.0, 1.0, 0.5, 0.25]
RECORD = Record(
    RUN.id,
    "finished",
    config_lib.to_flags(RUN.config),
    metrics={"test/accuracy": 0.9},
    curves={"train/loss": LOSS, "validation/accuracy": [0.5, 0.6, 0.7, 0.8]},
    steps=40,
    provenance={"date": "2026-01-02T03:04:05+00:00", "seconds": 2.0, "lanes": 4},
)


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def epoch(events: Events, count: int) -> None:
    """So many epochs of the run are done."""
    events.curves([RUN], lambda: [{name: values[:count] for name, values in RECORD.curves.items()}])


def read(directory: Path) -> EventAccumulator:
    """What TensorBoard reads of the one run there."""
    (folder,) = directory.iterdir()
    return EventAccumulator(str(folder)).Reload()


def losses(directory: Path) -> list[tuple[float, int, float]]:
    return [
        (event.wall_time, event.step, event.value)
        for event in read(directory).Scalars("train/loss")
    ]


def test_curves_are_there_while_it_trains_at_the_times_of_their_epochs(tmp_path: Path) -> None:
    """Steps, times and losses are exact; 0.9 is read back as the float32 that TensorBoard
    stores."""
    clock = Clock(1000.0)
    events = Events(tmp_path, pytest.fail, clock)
    epoch(events, 1)
    assert losses(tmp_path) == [(1000.0, 1, 2.0)]
    clock.now += EVERY / 2
    epoch(events, 2)
    assert len(losses(tmp_path)) == 1  # not so often
    clock.now += EVERY
    epoch(events, 3)
    assert losses(tmp_path) == [(1000.0, 1, 2.0), (1001.0, 2, 1.0), (1003.0, 3, 0.5)]
    assert not (next(tmp_path.iterdir()) / COMPLETE).exists()
    clock.now += 1
    epoch(events, 4)
    events.record(RECORD)
    assert losses(tmp_path)[2:] == [(1003.0, 3, 0.5), (1004.0, 4, 0.25)]
    assert read(tmp_path).Scalars("final/test/accuracy")[0].value == pytest.approx(0.9)


def test_a_run_that_diverges_in_its_first_epoch_ends_no_other(tmp_path: Path) -> None:
    clock = Clock(1000.0)
    events = Events(tmp_path, pytest.fail, clock)
    epoch(events, 0)
    clock.now += EVERY
    epoch(events, 0)
    metrics, curves = {"train/loss": math.inf}, {"train/loss": [], "validation/accuracy": []}
    events.record(
        dataclasses.replace(
            RECORD, status="diverged", diverged_at=1, metrics=metrics, curves=curves
        )
    )
    assert (next(tmp_path.iterdir()) / COMPLETE).exists()
    assert "train/loss" not in read(tmp_path).Tags()["scalars"]


def test_a_run_is_called_by_its_settings_and_its_hyperparameters_are_there(tmp_path: Path) -> None:
    Events(tmp_path, pytest.fail).record(RECORD)
    (folder,) = tmp_path.iterdir()
    named = "arch.hidden=8,8,learning_rate=0.3,regularization=dropout=0.25,epochs=4,batch_size=8"
    assert folder.name == f"wine,mlp,{named},seed=3,{RUN.id}"
    content = read(tmp_path).SummaryMetadata
    start = parse_session_start_info_plugin_data(
        content("_hparams_/session_start_info").plugin_data.content
    )
    assert start.hparams["learning_rate"].number_value == 0.3
    assert start.hparams["regularization.dropout"].number_value == 0.25
    assert start.hparams["dataset"].string_value == "wine"
    end = parse_session_end_info_plugin_data(
        content("_hparams_/session_end_info").plugin_data.content
    )
    assert end.status == 1  # success


def test_a_record_of_earlier_has_the_times_of_its_training(tmp_path: Path) -> None:
    """It began at 03:04:05 and took 4 lanes of 2 s, 2 s an epoch."""
    Events(tmp_path, pytest.fail).record(RECORD)
    began = 1767323045.0
    assert losses(tmp_path) == [(began + 2 * step, step, LOSS[step - 1]) for step in (1, 2, 3, 4)]
    before = {path: path.read_bytes() for path in tmp_path.rglob("events.*")}
    Events(tmp_path, pytest.fail).record(RECORD)
    assert {path: path.read_bytes() for path in tmp_path.rglob("events.*")} == before


def test_a_run_that_goes_on_in_another_process_has_each_epoch_once(tmp_path: Path) -> None:
    """The first process wrote three epochs and died, and its checkpoint was of the second; a fourth
    follows."""
    clock = Clock(1000.0)
    first = Events(tmp_path, pytest.fail, clock)
    for count in (1, 2, 3):
        epoch(first, count)
        clock.now += EVERY
    again = Events(tmp_path, pytest.fail, clock)
    epoch(again, 3)
    clock.now += EVERY
    epoch(again, 4)
    again.record(RECORD)
    assert losses(tmp_path) == [
        (1000.0, 1, 2.0),
        (1002.0, 2, 1.0),
        (1006.0, 3, 0.5),
        (1008.0, 4, 0.25),
    ]


def test_what_was_not_written_before_the_end_of_a_process_is_written_by_the_next(
    tmp_path: Path,
) -> None:
    first = Events(tmp_path, pytest.fail, Clock(1000.0))
    for count in (1, 2, 3):
        epoch(first, count)  # in no time, so that the first alone is written
    again = Events(tmp_path, pytest.fail, Clock(2000.0))
    epoch(again, 4)
    assert [step for _, step, _ in losses(tmp_path)] == [1, 2, 3, 4]


@contextlib.contextmanager
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk that takes ten bytes more."""

    class Full(io.BytesIO):
        def write(self, content: Any) -> int:
            self.target.write(bytes(content)[:10])
            raise OSError(errno.ENOSPC, "No space left on device")

    def opened(file: Any, mode: str = "r", **more: Any) -> Any:
        if "b" not in mode or "events.out" not in str(file):
            return open(file, mode, **more)
        out = Full()
        out.target = open(file, mode)  # type: ignore[attr-defined]  # noqa: SIM115
        return out

    with monkeypatch.context() as patched:
        patched.setattr(event_files, "open", opened, raising=False)
        yield


def test_a_full_disk_is_one_warning_and_later_everything_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    clock = Clock(1000.0)
    events = Events(tmp_path, warned.append, clock)
    epoch(events, 1)
    with full(monkeypatch):
        for count in (2, 3):
            clock.now += EVERY
            epoch(events, count)
    (message,) = warned
    assert "cannot be written" in message
    assert "No space left on device" in message
    assert "\n" not in message
    clock.now += EVERY
    epoch(events, 4)  # there is space again
    assert [step for _, step, _ in losses(tmp_path)] == [1, 2, 3, 4]


def test_a_run_that_ended_on_a_full_disk_is_written_by_the_next_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    events = Events(tmp_path, warned.append)
    with full(monkeypatch):
        epoch(events, 1)
        events.record(RECORD)
    assert len(warned) == 1
    assert not list(tmp_path.rglob(COMPLETE))
    Events(tmp_path, pytest.fail).record(RECORD)
    assert [step for _, step, _ in losses(tmp_path)] == [1, 2, 3, 4]


def test_what_diverged_and_what_failed_is_there(tmp_path: Path) -> None:
    diverged = dataclasses.replace(
        RECORD, status="diverged", metrics={}, curves={"train/loss": [2.0, math.nan]}
    )
    Events(tmp_path / "a", pytest.fail).record(diverged)
    assert [step for _, step, _ in losses(tmp_path / "a")] == [1, 2]
    Events(tmp_path / "b", pytest.fail).record(
        Record(RUN.id, "failed", RECORD.config, error="out of memory")
    )
    assert read(tmp_path / "b").Tags()["scalars"] == []
