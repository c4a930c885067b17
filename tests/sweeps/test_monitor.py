"""The terminal's progress: what was done before a resume counts, and says nothing of the speed."""

import re
import time

import pytest
from engine import run

from research.sweeps.monitor import Terminal


def test_the_time_left_goes_by_what_was_trained_here(capsys: pytest.CaptureFixture[str]) -> None:
    """One epoch in half a second, nine to go: seconds. With the 90 of before in the speed it would be none."""
    with Terminal().watch([run(epochs=100)]) as report:
        report.went_on(90)
        time.sleep(0.6)
        report.epochs(1)
    (shown,) = re.findall(r"91\.0/100 \[\S+<(\d+):(\d+)", capsys.readouterr().err.rpartition("\r")[2])
    assert 3 <= 60 * int(shown[0]) + int(shown[1]) <= 60
