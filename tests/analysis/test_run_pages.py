"""Pages of runs: every record can be read back from the scripts, and large folders stay small."""

import dataclasses
import json
import math
import random
import re

from research.analysis.arms_table import Column
from research.analysis.axes import sweep_table
from research.analysis.parallel_coordinates import parallel_figure
from research.analysis.run_pages import scripts
from tests.support.records import record

ACCURACY = Column("test accuracy", "test/accuracy")


def data(script: str) -> dict:
    """What a script gives to the page."""
    return json.loads(re.fullmatch(r"[^{]*(\{.*\})\)?;\n", script, re.DOTALL)[1])


def run(number: int, **config: str):
    curves = {"validation/loss": [1 / 3, 0.25, math.inf]}
    base = record(f"{number:016x}", number, 0.9, **config)
    return dataclasses.replace(base, curves=curves)


def test_a_run_can_be_read_back():
    runs = [run(0xAB << 56), run(1), run(2, name="</script><b>")]
    texts = scripts(runs)
    assert set(texts) == {"runs.js", "runs-ab.js", "runs-00.js"}
    listed = data(texts["runs.js"])
    assert [row[0] for row in listed["rows"]] == [each.run_id for each in runs]
    details = data(texts["runs-00.js"])[runs[2].run_id]
    config = listed["common"] | details["config"]
    config = {key: value for key, value in config.items() if key not in details["without"]}
    assert config == runs[2].config
    assert details["metrics"] == {"test/accuracy": 0.9}
    assert details["curves"] == {"validation/loss": [0.33333, 0.25, None]}
    assert not any("</script>" in text for text in texts.values())


def test_ten_thousand_runs_are_a_small_page():
    rate = random.Random(0).random
    runs = [run(i * 0x1234567890ABC, learning_rate=repr(rate())) for i in range(10_000)]
    texts = scripts(runs)
    assert len(texts["runs.js"]) < 2e6
    assert max(len(text) for name, text in texts.items() if name != "runs.js") < 2e5


def test_parallel_coordinates_have_a_line_per_row_and_the_best_on_top():
    rates = ("0.01", "0.1", "1")
    runs = [
        record(f"{o}{r}", 0, 0.5 + 0.1 * i, optimizer=o, learning_rate=r)
        for i, (o, r) in enumerate((o, r) for o in ("sgd", "adam") for r in rates)
    ]
    figure = parallel_figure(sweep_table("S", runs, [ACCURACY]), ACCURACY)
    axis = figure.axes[0]
    lines = [line for line in axis.get_lines() if len(line.get_xdata()) == 3]
    assert len(lines) == 6
    assert lines[-1].get_color() == "black"
    assert lines[-1].get_ydata().tolist() == [1, 1, 1]
    names = [text.get_text() for text in axis.get_xticklabels()]
    assert names == ["optimizer", "learning_rate", "test accuracy"]
