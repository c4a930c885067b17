"""Pages of tunings: their trials, their figures, and why a figure is left out."""

import math
from pathlib import Path

from research.analysis.tuning_pages import write_page
from research.sweeps.declare import sweep_axes as axes_lib
from research.sweeps.declare.sweep_axes import Point
from research.sweeps.records.store import Store
from research.sweeps.tuning import journal
from research.sweeps.tuning.search import Result, search
from research.sweeps.tuning.study import study
from research.sweeps.tuning.trial_samplers import sampler

SPACE = axes_lib.sampled(["learning_rate=log(1e-4,1)", "regularization.dropout=uniform(0,0.8)"])


def evaluate(points: list[Point]) -> list[Result]:
    """Best at a rate of 0.01; the last trial diverges."""
    results = [Result(1 - 0.1 * abs(math.log10(float(p["learning_rate"])) + 2)) for p in points]
    return [*results[:-1], Result(math.nan, "diverged")]


def test_a_tuning_has_a_page_with_its_figures(tmp_path: Path) -> None:
    store = Store(tmp_path)
    definition = {"metric": "validation/accuracy"}
    with journal.journal(store, "rates") as storage:
        for name, count in (("rates: long", 12), ("rates: short", 3)):
            each = study(storage, name, "higher", definition, sampler("sobol", SPACE, 0))
            search(each, SPACE, count, count, evaluate)
    link = write_page(store, "rates", tmp_path)
    assert link == '<p><a href="tuning-rates.html">rates</a>: 15 trials</p>'
    page = (tmp_path / "tuning-rates.html").read_text()
    # Parallel coordinates; five figures of the long study, three of the short one.
    assert page.count("<figure>") == 1 + 5 + 3
    assert "no figure importance of &#x27;rates: short&#x27;: 2 finished trials" in page
    assert "all 15 trials" in page
    assert (tmp_path / "tuning-rates-trials.html").read_text().count("<tr>") == 16
