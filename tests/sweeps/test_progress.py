"""Progress: what a worker shows of its packs, and what is left of it."""

import os
from pathlib import Path

from research.sweeps.coordinate import pack_progress
from research.sweeps.coordinate.pack_progress import EVERY, OLD, PackProgress, showing
from research.sweeps.coordinate.worker import Worker

WORKER = Worker("token", "host", 1)


def test_a_pack_is_shown_while_it_trains(tmp_path: Path) -> None:
    """The rate counts from the first epoch that is done: before it, the program was compiled."""
    times = iter([0.0, 0.0, 30.0, 31.0, 30.0 + EVERY])
    with showing(tmp_path, WORKER, ["a", "b"], 20, clock=lambda: next(times)) as to:
        assert pack_progress.read(tmp_path) == [
            PackProgress("token", "host (pid 1)", ("a", "b"), 20, 0, 0, 2, 0.0, 0.0)
        ]
        to(3, 2)
        to(4, 2)  # too soon to be written
        (shown,) = pack_progress.read(tmp_path)
        assert (shown.epoch, shown.rate) == (3, 0.0)
        to(8, 1)
        (shown,) = pack_progress.read(tmp_path)
        assert (shown.first, shown.epoch, shown.live) == (3, 8, 1)
        assert shown.rate == 5 * 2 / EVERY
    assert pack_progress.read(tmp_path) == []


def test_what_cannot_be_written_or_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "progress").write_text("a file where a folder belongs")
    with showing(tmp_path, WORKER, ["a"], 2) as to:
        to(1, 1)
    assert pack_progress.read(tmp_path) == []
    (tmp_path / "progress").unlink()
    (tmp_path / "progress").mkdir()
    for name, text in (("cut", '{"token": "t'), ("other", "{}"), ("list", "[]")):
        (tmp_path / "progress" / f"{name}.json").write_text(text)
    assert pack_progress.read(tmp_path) == []


def test_tidy_takes_what_is_old_and_nobodys(tmp_path: Path) -> None:
    (tmp_path / "progress").mkdir()
    workers = tmp_path / "claims" / "workers"
    workers.mkdir(parents=True)
    (workers / "alive").touch()
    now = 1e9
    for token, age in (("alive", 2 * OLD), ("dead", 2 * OLD), ("fresh", OLD / 2)):
        path = tmp_path / "progress" / f"{token}.run.json"
        path.touch()
        os.utime(path, (now - age, now - age))
    pack_progress.tidy(tmp_path, now)
    assert sorted(path.name for path in (tmp_path / "progress").iterdir()) == [
        "alive.run.json",
        "fresh.run.json",
    ]
