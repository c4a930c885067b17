"""Effort: restricted means and log-rank tests by hand, and in a table."""

import csv
import dataclasses
import io
import json

import pytest

from research.analysis.arms_table import Arm, ArmsTable
from research.analysis.axes import with_seed_values
from research.analysis.effort import flops_of_updates, log_rank_p, measured
from research.analysis.render import render
from research.analysis.sweep_report import Question, of_sweep
from research.analysis.table_builder import build_table
from research.analysis.view import View
from research.config import to_flags
from research.errors import UserError
from research.metric_names import target_of
from research.sweeps.column import Column, check_metric
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.records.record import Record
from tests.support.engine import planned, planner

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
    """Steps by hand are exact; seconds are their share of the run's, within float64 rounding."""
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


def test_a_fit_on_the_host_has_no_target_and_is_no_horizon() -> None:
    fitted = dataclasses.replace(record("fit", [0.9], steps=1), config={"arch": "constant"})
    metrics = measured({"a": record("a", [0.1, 0.9, 1, 1]), "fit": fitted}, [TO])
    assert metrics["a"].metrics[TO] == 10
    assert TO not in metrics["fit"].metrics


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
    events = [True] * len(treated) + [False] * len(censored)
    p = log_rank_p(treated + censored, events, placebo, [True] * len(placebo))
    assert p == pytest.approx(4.17e-5, rel=0.01)
    assert log_rank_p([5, 5], [False] * 2, [5, 5], [False] * 2) == 1.0


def _table() -> ArmsTable:
    """Six seeds of three arms: none, all and one of them reach the target."""
    fast, slow = [0.9, 1, 1, 1], [0.1, 0.1, 0.1, 0.1]
    curves = {"base": [slow] * 6, "fast": [fast] * 6, "same": [slow] * 5 + [fast]}
    by_id = {
        f"{label}{seed}": record(f"{label}{seed}", curve)
        for label, of in curves.items()
        for seed, curve in enumerate(of)
    }
    by_id = dict(measured(by_id, [TO]))
    arms = [Arm(label, {seed: by_id[f"{label}{seed}"] for seed in range(6)}) for label in curves]
    return build_table("t", arms, [Column("steps to 90 %", TO, better="lower")], "base", range(6))


def _log_rank_p(table: ArmsTable) -> dict[str, float | None]:
    return {
        row.label: reached.log_rank_p for row in table.rows if (reached := row.cells[0].reached)
    }


def test_a_table_shows_how_many_reached_it_and_corrects_by_holm() -> None:
    """Restricted means by hand and twice the smaller log-rank p, within float64 rounding."""
    table = _table()
    # Restricted means: 20, 5, and (5 · 20 + 5) / 6.
    means = [row.cells[0].interval.mean for row in table.rows if row.cells[0].interval]
    assert means == [20, 5, pytest.approx(17.5)]
    ranks = _log_rank_p(table)
    alone = log_rank_p([5.0] * 6, [True] * 6, [20.0] * 6, [False] * 6)
    assert ranks["base"] is None
    assert ranks["fast"] == pytest.approx(2 * alone)
    assert ranks["same"] == pytest.approx(
        log_rank_p([20.0] * 5 + [5.0], [False] * 5 + [True], [20.0] * 6, [False] * 6)
    )
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


def test_a_view_changes_no_number() -> None:
    """Neither without the baseline, nor with fewer rows to correct for."""
    table = _table()
    whole = _log_rank_p(table)
    for view in (View(where=("arm=fast",)), View(top=1), View(where=("arm=base|same",))):
        shown = view.apply(table)
        assert _log_rank_p(shown) == {row.label: whole[row.label] for row in shown.rows}
        assert "log-rank p" in render(shown, "md")


def test_csv_and_json_say_how_many_reached_it_and_the_p() -> None:
    table = _table()
    rows = {row["row"]: row for row in csv.DictReader(io.StringIO(render(table, "csv")))}
    assert {label: row["reached"] for label, row in rows.items()} == {
        "base": "0",
        "fast": "6",
        "same": "1",
    }
    p = _log_rank_p(table)["fast"]
    assert p is not None
    assert float(rows["fast"]["log_rank_p"]) == p
    assert rows["base"]["log_rank_p"] == ""
    cell = json.loads(render(table, "json"))["rows"][1]["cells"][0]
    assert cell["reached"] == {"count": 6, "seeds": 6, "log_rank_p": p}


def test_a_seed_reached_its_target_only_if_all_its_folds_did() -> None:
    fast, slow = [0.9, 1, 1, 1], [0.1, 0.1, 0.1, 0.1]
    folds = {"base": [slow, slow, slow], "some": [fast, slow, slow], "all": [fast, fast, fast]}
    arms = []
    for label, curves in folds.items():
        grouped = {}
        for seed in range(3):
            runs = [record(f"{label}{seed}{fold}", curve) for fold, curve in enumerate(curves)]
            of_seed = measured({run.run_id: run for run in runs}, [TO])
            grouped[seed] = (list(of_seed.values()), 3)
        arms.append(with_seed_values(Arm(label, {}), grouped, None))
    table = build_table("t", arms, [Column("steps to 90 %", TO, better="lower")], "base", range(3))
    counts = {row.label: row.cells[0].reached for row in table.rows}
    assert [reached and (reached.count, reached.seeds) for reached in counts.values()] == [
        (0, 3),
        (0, 3),
        (3, 3),
    ]
    # No event in either row: a share of the folds is none.
    assert _log_rank_p(table)["some"] == 1
    text = " ".join(render(table, "md").split())
    assert "6 seeds did not reach it in every fold within the 20 steps that every run had" in text


def test_curves_have_no_clean_metrics() -> None:
    with pytest.raises(UserError, match="curves have no 'train/clean_accuracy'; did you mean"):
        check_metric("steps_to(train/clean_accuracy>=0.9)", "lower")


def test_a_sweep_shows_the_operations_of_its_runs() -> None:
    columns = ("effort/flops",)
    requests = [{"learning_rate": rate} for rate in (0.1, 0.2)]
    runs = planned(*requests)
    flops = flops_of_updates(columns, runs, planner())
    metrics = {"validation/accuracy": 0.5, "test/accuracy": 0.5}
    by_id = {
        each.id: Record(each.id, "finished", to_flags(each.config), metrics, steps=15)
        for each in runs
    }
    sweep = SweepSpec(requests, ["learning_rate"])
    table = of_sweep(
        "t", sweep, list(by_id), by_id, question=Question(None, None, columns, None, flops)
    )
    assert [row.cells[-1].values for row in table.rows] == [(15 * flops[each.id],) for each in runs]
    assert min(flops.values()) > 0


def test_without_updates_there_are_no_operations_to_count() -> None:
    (fitted,) = planner().runs([{"arch": "constant", "split": "4:1:1"}])
    with pytest.raises(UserError, match="no run is trained by updates of rows; leave it out"):
        flops_of_updates(["effort/flops"], [fitted], planner())
    assert flops_of_updates(["effort/steps"], [fitted], planner()) == {}
