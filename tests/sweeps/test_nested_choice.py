"""Choosing inside each fold: what it reads, what it reports, and that it is blind to test rows."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.data.in_memory import InMemorySource
from research.data.source import open_source
from research.data.splitters.division import division
from research.errors import UserError
from research.sweeps.column import Column
from research.sweeps.declare import selection
from research.sweeps.declare.nested_choice import FoldChoice, flat_scores, with_scores
from research.sweeps.experiment import Choose, Experiment
from research.sweeps.plan.run_plan import PlannedRun, trainable, unique
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from tests.support.engine import TABLE, planner

NESTED = {"split": "nested(3,2)", "arch": "linear", "batch_size": 8, "epochs": 1}
CHOOSE = Choose("learning_rate", (0.001, 0.02, 0.1))
COLUMNS = (Column("accuracy", "test/accuracy"), Column("nll", "test/nll", "lower"))


def declared(**more: object) -> Experiment:
    given = {"base": NESTED, "arms": {"a": {}}, "columns": COLUMNS, "seeds": 2, "choose": CHOOSE}
    return Experiment("e", "", **(given | more))  # type: ignore[arg-type]


def test_the_table_has_the_flat_score_beside_the_nested_one() -> None:
    labels = [column.label for column in declared().columns]
    assert labels == ["accuracy", "flat accuracy", "nll"]
    again = dataclasses.replace(declared(), seeds=3)
    assert [column.label for column in again.columns] == labels
    flat = Column("optimistic", "flat/accuracy")
    assert declared(columns=(*COLUMNS, flat)).columns == (*COLUMNS, flat)
    with pytest.raises(
        UserError, match="the column 'optimistic' is of a setting that is chosen in"
    ):
        declared(columns=(flat,), base={**NESTED, "split": "kfold(3)"})
    with pytest.raises(UserError, match="so seeds=3 of the choice has no effect"):
        declared(choose=dataclasses.replace(CHOOSE, seeds=3))
    with pytest.raises(UserError, match="calibrate fits its map to the validation rows, so"):
        Choose("calibrate", ("none", "isotonic"), metric="validation/nll", better="lower")


def test_each_fold_of_each_seed_chooses_by_its_inner_folds() -> None:
    experiment = declared(base={**NESTED, "split_seed": "seed"})
    asked = selection.searched(experiment, planner())
    assert [len(of_value) for of_value in asked["a"]] == [2 * 3 * 2] * 3
    runs = trainable(run for of_value in asked["a"] for run in of_value)
    assert {run.config.fold for run in runs} == {*range(3, 9)}
    assert {run.program.sizes.test for run in runs} == {0}
    assert all(run.config.seed == run.config.split_seed for run in runs)

    def accuracy(seed: int, inner: int, rate: float) -> float:
        """Fold k of seed s prefers the value with the number (k + s) % 3."""
        return 0.9 if rate == CHOOSE.values[((inner - 3) // 2 + seed) % 3] else 0.5

    records = {}
    for run in runs:
        value = accuracy(run.config.seed, run.config.fold or 0, run.config.learning_rate or 0)
        records[run.id] = Record(run.id, "finished", {}, {"validation/accuracy": value})
    chosen = selection.chosen(CHOOSE, asked, records)
    low, middle, high = CHOOSE.values
    assert chosen["a"].values == {
        (0, 0): low, (0, 1): middle, (0, 2): high, (1, 0): middle, (1, 1): high, (1, 2): low,
    }  # fmt: skip
    requests = selection.requests(experiment, chosen)["a"]
    assert [(r["seed"], r["fold"], r["learning_rate"]) for r in requests[1:4]] == [
        (0, 1, middle), (0, 2, high), (1, 0, middle),
    ]  # fmt: skip
    reported = trainable(planner().plan(requests))
    assert {run.program.sizes.test for run in reported} == {20}
    assert selection.remarks(experiment, chosen, []) == [
        "a: learning_rate was chosen as 0.001 in 2 folds, 0.02 in 2 folds, 0.1 in 2 folds."
    ]
    # The runs that report are among those of the flat score, and are trained once.
    flat = selection.flat(experiment, planner())
    assert {run.id for run in reported} < {run.id for of_value in flat["a"] for run in of_value}
    # An arm with a fold whose runs all diverged has no choice.
    of_fold = {run.id for run in runs if run.config.seed == 0 and run.config.fold in (3, 4)}
    for run_id in of_fold:
        records[run_id] = dataclasses.replace(records[run_id], metrics={})
    with pytest.raises(UserError, match="every value of learning_rate has a run that diverged or"):
        selection.chosen(CHOOSE, asked, records)


def test_a_choice_cannot_read_runs_that_test() -> None:
    flat = selection.flat(declared(), planner())
    runs = unique(run for of_value in flat["a"] for run in of_value)
    with pytest.raises(UserError, match=r"tests rows \(fold=0 of split=nested\(3,inner=2"):
        selection.chosen(CHOOSE, flat, {run.id: Record(run.id, "finished", {}) for run in runs})


def test_the_flat_score_is_that_of_the_value_best_on_its_own_rows() -> None:
    """Two values, three folds: means of 0.6 and 0.7; a third value lacks a fold."""
    experiment = declared(seeds=1)
    flat = selection.flat(experiment, planner())
    scores = ((0.5, 0.6, 0.7), (0.7, 0.7, 0.7), (1.0, 1.0, None))
    records = {
        run.id: Record(run.id, "finished", {}, {"test/accuracy": value, "test/nll": 1 - value})
        for of_value, values in zip(flat["a"], scores, strict=True)
        for run, value in zip(of_value, values, strict=True)
        if value is not None
    }
    added = with_scores(records, flat_scores(flat, records, "validation/accuracy", "higher"))
    for record in added.values():
        assert record.metrics["flat/accuracy"] == pytest.approx(0.7)
        assert record.metrics["flat/nll"] == pytest.approx(0.3)
    assert len(added) == 8
    lower = flat_scores(flat, records, "validation/accuracy", "lower")
    assert next(iter(lower.values()))["flat/accuracy"] == pytest.approx(0.6)


def test_arms_with_and_without_inner_folds() -> None:
    arms = {"nested": {}, "one split": {"split": "4:1:1"}}
    experiment = declared(arms=arms, choose=dataclasses.replace(CHOOSE, seeds=2))
    asked = selection.searched(experiment, planner())
    seeds = {
        label: {run.config.seed for of_value in of_arm for run in of_value}
        for label, of_arm in asked.items()
    }
    # The split that all share is chosen on by seeds that do not report.
    assert seeds == {"nested": {2, 3}, "one split": {0, 1}}
    chosen = {"nested": FoldChoice({(2, 0): 0.1, (3, 0): 0.1}), "one split": 0.02}
    requests = selection.requests(experiment, chosen)
    assert [[r["seed"] for r in of_arm] for of_arm in requests.values()] == [[2, 3], [2, 3]]
    assert "split_seed" not in requests["nested"][0]
    says = selection.describe(experiment, 2)
    assert says.startswith("nested: learning_rate was chosen among 3 values by validation/accuracy")
    assert "For each other row learning_rate was chosen among 3 values" in says


def trained(runs: Sequence[PlannedRun], source: Any) -> dict[str, loop.Outcome]:
    """The outcomes of runs of one program, by id."""
    configs = [run.config for run in runs]
    way = ExecutionStrategy(len(runs), 8)
    outcomes = loop.train(runs[0].program, configs, source.arrays(), way)
    return {run.id: outcome for run, outcome in zip(runs, outcomes, strict=True)}


def records_of(outcomes: Mapping[str, loop.Outcome]) -> dict[str, Record]:
    return {
        run_id: Record(run_id, "finished", {}, outcome.metrics)
        for run_id, outcome in outcomes.items()
    }


def test_of_pure_noise_nested_folds_say_chance_and_flat_ones_do_not(tmp_path: Path) -> None:
    """Sixty rows, a hundred features, and classes that depend on none of them: the accuracy of the
    best of 20 initial parameters on all rows is above a half by the choice alone. Features that are
    selected on all rows deceive the nested folds too."""
    means = {}
    for selected in (0, 10):
        options = {"selected": selected}
        source = open_source("pure_noise", options, data_dir=None, cache_dir=str(tmp_path))
        plans = Planner(lambda config, source=source: source)
        base = {**NESTED, "split": "nested(5,3)", "arch": "mlp", "arch.hidden": (8,), "epochs": 2}
        choose = Choose("init_seed", range(20))
        experiment = declared(base=base, choose=choose, seeds=1, columns=COLUMNS[:1])
        asked, flat = (make(experiment, plans) for make in (selection.searched, selection.flat))
        records = {}
        for of_kind in (asked, flat):
            runs = trainable(unique(run for of_value in of_kind["a"] for run in of_value))
            records |= records_of(trained(runs, source))
        chosen = selection.chosen(choose, asked, records)
        reported = plans.runs(selection.requests(experiment, chosen)["a"])
        scores = flat_scores(flat, records, choose.metric, choose.better)
        of_folds = with_scores({run.id: records[run.id] for run in reported}, scores)
        means[selected] = {
            name: statistics.fmean(record.metrics[name] for record in of_folds.values())
            for name in ("test/accuracy", "flat/accuracy")
        }
    # A half, within two standard deviations of 60 throws of a coin.
    assert abs(means[0]["test/accuracy"] - 0.5) < 0.13
    assert means[0]["flat/accuracy"] > 0.6
    assert means[10]["test/accuracy"] > 0.65


def garbled(source: InMemorySource, rows: np.ndarray) -> InMemorySource:
    """The source with noise in the inputs and targets of these rows."""
    generator = np.random.default_rng(5)
    x, y = np.array(source.data.x), np.array(source.data.y)
    x[rows] = 100 * generator.normal(size=x[rows].shape) + 50
    y[rows] = 1000 * generator.normal(size=y[rows].shape)
    return dataclasses.replace(source, data=source.data._replace(x=x, y=y))


def test_noise_in_the_rows_that_a_fold_tests_changes_no_bit_of_its_choice() -> None:
    """Neither the choice nor any number of the runs that made it."""
    choose = Choose("learning_rate", (0.001, 0.01, 0.1), metric="validation/mse", better="lower")
    experiment = declared(columns=(), choose=choose, seeds=1)
    split = division(planner(True).runs([{**NESTED, "fold": 1}])[0].config.split)
    tested = split.splits(TABLE.spec, TABLE.data, seed=0)[1].test
    values, outcomes = [], []
    for source in (TABLE, garbled(TABLE, tested)):
        asked = selection.searched(experiment, Planner(lambda config, source=source: source))
        runs = trainable(unique(run for of_value in asked["a"] for run in of_value))
        by_id = trained(runs, source)
        records = records_of(by_id)
        values.append(selection.chosen(choose, asked, records)["a"].values)
        outcomes.append(
            {(run.config.fold, run.config.learning_rate): repr(by_id[run.id]) for run in runs}
        )
    assert values[0][0, 1] == values[1][0, 1]
    inner = [key for key in outcomes[0] if key[0] in (5, 6)]
    assert len(inner) == 6
    assert [outcomes[0][key] for key in inner] == [outcomes[1][key] for key in inner]
    # The other folds train on these rows.
    assert all(outcomes[0][key] != outcomes[1][key] for key in outcomes[0] if key not in inner)


def test_each_data_set_chooses_for_itself() -> None:
    over = declared(datasets=("wine", "iris"), seeds=1)
    assert over.nested == {*over.arms}
    assert len(over.arms) == 2
    assert selection.candidates(over).keys() == over.arms.keys()
    with pytest.raises(UserError, match="'e' has datasets and choose; use one data set for these"):
        declared(datasets=("wine", "iris"), base={**NESTED, "split": "8:1:1"})
