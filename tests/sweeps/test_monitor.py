"""The terminal's progress: what was done before a resume counts, and says nothing of the speed."""

import math
import re
import time

import pytest

from research.sweeps.execute.observer import Ended
from research.sweeps.execute.terminal import Terminal, latest
from tests.support.engine import run


def test_the_time_left_goes_by_what_was_trained_here(capsys: pytest.CaptureFixture[str]) -> None:
    """One epoch in half a second, nine to go: seconds. With the 90 of before in the speed it would
    be none."""
    with Terminal().watch([run(epochs=100)]) as report:
        report.resumed(90)
        time.sleep(0.6)
        report.epochs(1)
    (shown,) = re.findall(
        r"91\.0/100 \[\S+<(\d+):(\d+)", capsys.readouterr().err.rpartition("\r")[2]
    )
    assert 3 <= 60 * int(shown[0]) + int(shown[1]) <= 60


def test_the_latest_epoch_is_in_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    own = run(epochs=3)
    with Terminal().watch([own]) as report:
        report.ended(lambda: [Ended(own, 1, {"train/loss": 0.3125, "validation/accuracy": 0.9375})])
        report.epochs(1)
    assert "loss 0.3125, validation accuracy 0.9375]" in capsys.readouterr().err


def test_a_run_that_two_processes_count_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal().watch([run(epochs=1000)]) as report:
        report.epochs(1000)
        report.epochs(1000)
    assert "2,000.0/1,000 [" in capsys.readouterr().err


def test_means_are_over_the_runs_whose_values_are_numbers() -> None:
    losses = (0.25, 0.75, math.nan)
    ended = [
        Ended(run(seed=seed), 2, {"train/loss": loss, "train/accuracy": 0.5})
        for seed, loss in enumerate(losses)
    ]
    assert latest(ended) == "loss 0.5, train accuracy 0.5 (mean of 3)"
    assert latest(ended[2:]) == "train accuracy 0.5"
    assert latest([]) == ""


def test_a_slow_look_at_many_runs_is_rare(capsys: pytest.CaptureFixture[str]) -> None:
    own, looks = run(epochs=3), []

    def look() -> list[Ended]:
        looks.append(1)
        time.sleep(0.05)
        return [Ended(own, 1, {"train/loss": 1.0})]

    with Terminal().watch([own]) as report:
        for _ in range(5):
            report.ended(look)
    assert len(looks) == 1
