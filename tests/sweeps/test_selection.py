"""Choosing on validation: the best mean wins, divergence loses."""

import math

import pytest

import research.catalogue  # noqa: F401
from research.errors import UserError
from research.sweeps.column import Column
from research.sweeps.declare import selection
from research.sweeps.experiment import Choose, Experiment
from research.sweeps.records.record import Record
from research.training.setup.lane_inputs import make_lane_inputs
from tests.support.engine import BASE, IMAGES, planned, planner

CHOOSE = Choose("learning_rate", (0.1, 0.2, 0.3), seeds=2)


def runs(*values: float | None) -> list[Record]:
    """None: a run that diverged and has no metrics."""
    metrics = [{} if v is None else {"validation/accuracy": v} for v in values]
    return [Record("", "finished", {}, m) for m in metrics]


def test_the_best_mean_wins() -> None:
    assert selection.best(CHOOSE, [runs(0.5, 0.9), runs(0.8, 0.8), runs(0.9, 0.1)]) == 0.2
    lower = Choose("learning_rate", (0.1, 0.2, 0.3), 2, "validation/nll", "lower")
    of_values = [[Record("", "finished", {}, {"validation/nll": v})] for v in (0.7, 0.8, 0.5)]
    assert selection.best(lower, of_values) == 0.3


def test_what_cannot_choose_is_refused() -> None:
    with pytest.raises(
        UserError, match="chosen on validation rows, and test/accuracy is not measured"
    ):
        Choose("learning_rate", (0.1,), 1, "test/accuracy")
    with pytest.raises(
        UserError, match=r"better='max' for validation/accuracy: allowed are higher, lower"
    ):
        Choose("learning_rate", (0.1,), 1, better="max")  # type: ignore[arg-type]
    with pytest.raises(
        UserError, match=r"better='higher' for validation/nll: of nll lower is better"
    ):
        Choose("learning_rate", (0.1,), 1, "validation/nll")
    with pytest.raises(UserError, match="'e' chooses learning_rate, and its arm 'a' sets it"):
        Experiment("e", "", {}, {"a": {"learning_rate": 1}}, (), choose=CHOOSE)
    with pytest.raises(
        UserError, match="no metric 'validation/acuracy'; did you mean validation/accuracy"
    ):
        Choose("learning_rate", (0.1,), 1, "validation/acuracy")
    with pytest.raises(UserError, match="there is no metric 'test/f2'; did you mean"):
        Experiment("e", "", {}, {"a": {}}, (Column("F2", "test/f2"),))
    with pytest.raises(UserError, match="of mse lower is better"):
        Experiment("e", "", {}, {"a": {}}, (Column("test MSE", "test/mse"),))


def test_a_choice_that_would_leak_is_refused() -> None:
    with pytest.raises(UserError, match="split_seed=seed would let the choice read rows"):
        Experiment("e", "", {"split_seed": "seed"}, {"a": {}}, (), choose=CHOOSE)
    folds = {**BASE, "split": "kfold(3,validation=0.2)"}
    experiment = Experiment("e", "", folds, {"a": {}}, (), choose=CHOOSE)
    with pytest.raises(UserError, match="the validation rows of a fold are test rows of others"):
        selection.searched(experiment, planner())
    without = Experiment("e", "", {**BASE, "split": "8:2"}, {"a": {}}, (), choose=CHOOSE)
    with pytest.raises(UserError, match=r"split=8:2 leaves no validation rows; use split=8:1:1, o"):
        selection.searched(without, planner())
    sizes = Choose("batch_size", (8, 500))
    large = Experiment("e", "", {"split": "4:1:1"}, {"a": {}}, (), choose=sizes)
    with pytest.raises(UserError, match="'e' cannot choose for 'a': batch_size=500 is larger than"):
        selection.searched(large, planner())


def test_divergence_comes_last() -> None:
    assert selection.best(CHOOSE, [runs(0.1, 0.1), runs(1.0, None), runs(math.nan, 1.0)]) == 0.1
    assert selection.best(CHOOSE, [runs(None), runs(math.nan), runs()]) is None


def test_an_arm_without_a_value_costs_the_others_nothing() -> None:
    sound, lost = (
        planned(*({"seed": seed} for seed in seeds)) for seeds in (range(3), range(3, 6))
    )
    found = {
        run.id: record
        for of_arm, values in ((sound, (0.5, 0.9, 0.7)), (lost, (None, math.nan, None)))
        for run, (record,) in zip(of_arm, map(runs, values), strict=True)
    }
    asked = {"a": [[run] for run in sound], "b": [[run] for run in lost]}
    chosen = selection.chosen(CHOOSE, asked, found)
    assert chosen == {"a": 0.2}
    experiment = Experiment("e", "", {}, {"a": {}, "b": {}}, (), seeds=3, choose=CHOOSE)
    assert {
        label: len(of_arm) for label, of_arm in selection.requests(experiment, chosen).items()
    } == {"a": 3, "b": 0}
    ended = [Record("", word, {}) for word in ("diverged", "diverged", "failed", "finished")]
    assert selection.remarks(experiment, chosen, ended) == [
        "Of the 4 runs that chose 2 diverged and 1 failed.",
        "b: at every value of learning_rate a run diverged or failed, so none is reported.",
    ]
    with pytest.raises(UserError, match="every value of learning_rate"):
        selection.chosen(CHOOSE, {"b": asked["b"]}, found)


def test_ties_go_to_the_first() -> None:
    assert selection.best(CHOOSE, [runs(0.5), runs(0.7), runs(0.7)]) == 0.2


def test_reported_seeds_are_fresh() -> None:
    experiment = Experiment(
        "e", "", {"epochs": 2}, {"a": {"optimizer": "adam"}}, (), seeds=3, choose=CHOOSE
    )
    tried = selection.candidates(experiment)["a"]
    assert [[r["seed"] for r in each] for each in tried] == [[0, 1]] * 3
    assert [each[0]["learning_rate"] for each in tried] == [0.1, 0.2, 0.3]
    reported = selection.requests(experiment, {"a": 0.2})["a"]
    assert [r["seed"] for r in reported] == [2, 3, 4]
    assert reported[0] == {
        "epochs": 2, "optimizer": "adam", "learning_rate": 0.2, "seed": 2, "split_seed": 0,
    }  # fmt: skip


def test_no_reported_run_is_tested_on_a_row_that_chose() -> None:
    base = {path: value for path, value in BASE.items() if path != "split_seed"}
    experiment = Experiment("e", "", base, {"a": {}}, (), seeds=3, choose=CHOOSE)
    candidates = [each for of_value in selection.candidates(experiment)["a"] for each in of_value]
    chosen = selection.requests(experiment, {"a": 0.2})["a"]
    choosing, reported = (planner().runs(requests) for requests in (candidates, chosen))

    def lanes(runs):
        return [make_lane_inputs(run.config, run.program, IMAGES.data).lane for run in runs]

    read = {row for lane in lanes(choosing) for row in (*lane.train, *lane.validation)}
    assert all(read.isdisjoint(lane.test.tolist()) for lane in lanes(reported))
    # Without a choice, each seed splits the rows anew.
    plain = Experiment("e", "", base, {"a": {}}, (), seeds=2)
    first, second = lanes(planner().runs(selection.requests(plain, {})["a"]))
    assert first.test.tolist() != second.test.tolist()
