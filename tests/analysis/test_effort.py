"""Effort: restricted means and log-rank tests by hand, and in a table."""

import dataclasses

import pytest

from research.analysis.arms_table import Arm
from research.analysis.effort import log_rank, log_rank_p, measured
from research.analysis.render import render
from research.analysis.table_builder import build_table
from research.errors import UserError
from research.metric_names import target_of
from research.sweeps.column import Column, check_metric
from research.sweeps.records.record import Record

TO = "steps_to(validation/accuracy>=0.9)"
CONFIG = {"batch_size": "4", "epochs": "4"}
PROVENANCE = {"seconds": 2.0, "train_rows": 20}


def record(run_id: str, curve: list[float], steps: int = 20) -> Record:
    """A run of four epochs of five steps."""
    return Record(
        run_id,
        "finished",
        dict(CONFIG),
        {"test/accuracy": 0.5},
        {"validation/accuracy": curve},
        parameters=7,
        steps=steps,
        provenance=dict(PROVENANCE),
    )


def test_the_time_to_a_target_is_the_end_of_its_epoch_and_censored_at_the_horizon() -> None:
    by_id = {
        "second": record("second", [0.1, 0.9, 0.2, 0.95]),
        "never": record("never", [0.1, 0.2, 0.3, 0.4]),
        "stopped": record("stopped", [0.1, 0.2], steps=10),
        "diverged": dataclasses.replace(record("diverged", [0.1]), status="diverged"),
    }
    seconds = TO.replace("steps", "seconds")
    metrics = {run_id: each.metrics for run_id, each in measured(by_id, [TO, seconds]).items()}
    # Four epochs have 20 steps. The run that stopped early had them all, at five steps each.
    assert {run_id: of.get(TO) for run_id, of in metrics.items()} == {
        "second": 10,
        "never": 20,
        "stopped": 20,
        "diverged": None,
    }
    assert metrics["second"][f"{TO} reached"] == 1
    assert metrics["never"][f"{TO} reached"] == metrics["stopped"][f"{TO} reached"] == 0
    assert metrics["second"][seconds] == pytest.approx(1.0)


def test_what_comes_after_the_shortest_run_is_censored_too() -> None:
    """Every run must have had the horizon, or the longer ones would look slower."""
    long = dataclasses.replace(
        record("long", [0.1] * 7 + [0.9], steps=40), config={**CONFIG, "epochs": "8"}
    )
    metrics = measured({"a": record("a", [0.9, 1, 1, 1]), "long": long}, [TO])
    assert (metrics["long"].metrics[TO], metrics["long"].metrics[f"{TO} reached"]) == (20, 0)
    assert metrics["a"].metrics[TO] == 5


def test_the_effort_of_whole_runs() -> None:
    names = ["effort/steps", "effort/examples", "effort/parameters", "effort/seconds"]
    (of,) = measured({"a": record("a", [1.0])}, [*names, "effort/flops"], {"a": 3.0}).values()
    values = [of.metrics[name] for name in [*names, "effort/flops"]]
    assert values == [20, 80, 7, 2.0, 60]
    full = dataclasses.replace(record("a", [1.0]), config={"batch_size": "full"})
    assert measured({"a": full}, names)["a"].metrics["effort/examples"] == 400


def test_log_rank_of_a_published_example() -> None:
    """Remission of leukemia (Freireich et al. 1963): chi-squared 16.79 with one degree."""
    placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
    treated = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    events = [1.0] * len(treated) + [0.0] * len(censored)
    p = log_rank_p(treated + censored, events, placebo, [1.0] * len(placebo))
    assert p == pytest.approx(4.17e-5, rel=0.01)
    assert log_rank_p([5, 5], [0, 0], [5, 5], [0, 0]) == 1.0


def test_a_table_shows_how_many_reached_it_and_corrects_by_holm() -> None:
    fast, slow = [0.9, 1, 1, 1], [0.1, 0.1, 0.1, 0.1]
    curves = {"base": [slow] * 6, "fast": [fast] * 6, "same": [slow] * 5 + [fast]}
    by_id = {
        f"{label}{seed}": record(f"{label}{seed}", curve)
        for label, of in curves.items()
        for seed, curve in enumerate(of)
    }
    by_id = dict(measured(by_id, [TO]))
    arms = [Arm(label, {seed: by_id[f"{label}{seed}"] for seed in range(6)}) for label in curves]
    column = Column("steps to 90 %", TO, better="lower")
    table = build_table("t", arms, [column], "base", range(6))
    # Restricted means: 20, 5, and (5 · 20 + 5) / 6.
    means = [row.cells[0].interval.mean for row in table.rows if row.cells[0].interval]
    assert means == [20, 5, pytest.approx(17.5)]
    ranks = log_rank(table, column)
    alone = log_rank_p([5.0] * 6, [1.0] * 6, [20.0] * 6, [0.0] * 6)
    assert ranks["fast"] == pytest.approx(2 * alone)
    assert ranks["same"] > 0.1
    text = render(table, "md")
    assert "1/6" in text
    assert "6/6" in text
    assert "11 runs did not reach it within the 20 steps" in " ".join(text.split())


def test_names_that_are_none_are_refused() -> None:
    assert target_of("examples_to(train/loss<=0.5)") is not None
    for name, line in {
        "effort/step": "there is no metric 'effort/step'; did you mean effort/steps",
        "steps_to(validation/acuracy>=0.9)": "did you mean validation/accuracy",
        "steps_to(test/accuracy>=0.9)": "curves have no 'test/accuracy'",
    }.items():
        with pytest.raises(UserError, match=line):
            check_metric(name, "lower")
    with pytest.raises(UserError, match="lower is better"):
        check_metric("effort/flops", "higher")
