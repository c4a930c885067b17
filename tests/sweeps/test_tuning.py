"""Tuning: what is chosen and by what, the fresh seeds that report it, and spaces that cannot be
searched."""

from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from research.errors import UserError
from research.sweeps.declare import sweep_axes as axes_lib
from research.sweeps.execute.execution_options import DEFAULT
from research.sweeps.records.store import Store
from research.sweeps.tuning import report_text, space, tuner
from research.sweeps.tuning.goal import Goal
from research.sweeps.tuning.tuner import Budget, SearchContext, Tuned
from research.training.setup.lane_inputs import make_lane_inputs
from tests.support.engine import BASE, IMAGES, planner
from tests.sweeps.test_pruned_search import Watcher


def tuned(
    folder: Path, sample: list[str], budget: Budget, goal: Goal | None = None, **settings: Any
) -> Tuned:
    shop, axes = (
        SearchContext(Store(folder), planner(), Watcher(), DEFAULT),
        axes_lib.sampled(sample),
    )
    base = {path: value for path, value in BASE.items() if path not in [axis.path for axis in axes]}
    return tuner.tune("a", {**base, **settings}, axes, budget, shop, None, goal)


def test_the_best_on_validation_is_chosen_and_reported_on_fresh_seeds(tmp_path: Path) -> None:
    found = tuned(tmp_path, ["learning_rate=1e-4|0.05|1e15"], Budget("grid"), seed=3)
    by_rate = {trial.params["learning_rate"]: trial for trial in found.study.trials}
    assert len(by_rate) == 3
    assert by_rate["1e15"].user_attrs["outcome"] == "diverged"
    store = Store(tmp_path)
    for rate in ("1e-4", "0.05"):
        record = store.read(by_rate[rate].user_attrs["run"])
        assert record is not None
        assert by_rate[rate].value == record.metrics["validation/accuracy"]
    best = max(("1e-4", "0.05"), key=lambda rate: by_rate[rate].value)
    assert found.point == {"learning_rate": best}
    requests = tuner.report(found, 2, planner())
    assert [(request["seed"], request["learning_rate"]) for request in requests] == [
        (4, best),
        (5, best),
    ]
    said = report_text.described([found], Budget("grid"), 2, 1)
    assert (
        said == "Tuned by 3 trials of grid: learning_rate. Trials: 2 finished, 1 diverged. The best"
        " validation/accuracy of one seed chose; the table reports the choice on 2 fresh seeds"
        " of the same split, whose test rows no trial reads."
    )


def test_no_reported_run_is_tested_on_a_row_that_a_trial_read() -> None:
    settings = {path: value for path, value in BASE.items() if path != "split_seed"} | {"seed": 3}
    runs = planner().runs([settings, *tuner.fresh(settings, 2, planner())])
    # By default each seed splits the rows of this data set.
    assert [(run.config.seed, run.config.split_seed) for run in runs] == [(3, 3), (4, 3), (5, 3)]
    lanes = [make_lane_inputs(run.config, run.program, IMAGES.data).lane for run in runs]
    read = {*lanes[0].train.tolist(), *lanes[0].validation.tolist()}
    assert all(read.isdisjoint(lane.test.tolist()) for lane in lanes)


def test_settings_that_are_drawn_again_are_not_counted_as_more(tmp_path: Path) -> None:
    found = tuned(tmp_path, ["learning_rate=0.05|0.1"], Budget("random", 5))
    assert "Tuned by 5 trials (2 different settings) of random: " in report_text.described(
        [found], Budget("random"), 1, 1
    )


def test_a_loss_is_chosen_lowest_and_a_second_tuning_trains_nothing(tmp_path: Path) -> None:
    goal = Goal("validation/nll", "lower")
    found = tuned(tmp_path, ["learning_rate=1e-4|0.05"], Budget("grid"), goal)
    assert found.best.value == min(trial.value for trial in found.study.trials)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/*")}
    tuned(tmp_path, ["learning_rate=1e-4|0.05"], Budget("grid"), goal)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/*")} == before


@pytest.mark.parametrize(
    ("axis", "why"),
    [
        ("learning_rate=0.1|oops", "learning_rate=oops: expected a number"),
        ("regularization.dropout=uniform(0,1.5)", "dropout"),
        ("optimizer.momentum=0.5|2 if optimizer=sgd", "momentum"),
    ],
)
def test_a_value_that_no_run_can_have_is_an_error_before_training(
    axis: str, why: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=f"has an impossible value: .*{why}"):
        tuned(tmp_path, ["optimizer=sgd|adam", axis], Budget("random", 4))
    assert not list(tmp_path.iterdir())


def test_a_draw_that_is_refused_is_a_trial_without_a_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(Watcher, "warn", lambda self, message: said.append(message))
    found = tuned(tmp_path, ["batch_size=8|4000", "learning_rate=0.05|0.1"], Budget("grid"))
    for trial in found.study.trials:
        assert (trial.state == TrialState.FAIL) == (trial.params["batch_size"] == "4000")
    assert "larger than" in next(
        t.user_attrs["note"] for t in found.study.trials if t.state == TrialState.FAIL
    )
    assert "2 refused" in report_text.described([found], Budget("grid"), 1, 1)
    assert [message.partition(":")[0] for message in said] == [
        "2 of 4 trials cannot be trained; the first"
    ]


@pytest.mark.parametrize(
    ("sample", "settings", "budget", "says"),
    [
        (
            ["batch_size=4000|5000"],
            {},
            Budget(),
            "none of .* points of the space can be trained; the first: .*larger",
        ),
        (["learning_rate=1e14|1e15"], {}, Budget("grid"), "no trial of 'a' finished: 2 diverged"),
        (
            ["learning_rate=log(1e-3,1)"],
            {"learning_rate": "0.1"},
            Budget(),
            "--learning_rate is given, and an axis",
        ),
        (
            ["optimizer.momentum=0|0.9"],
            {"optimizer": "adam"},
            Budget(),
            "adam has no option 'momentum'",
        ),
        (
            ["learning_rate=0.1|1"],
            {"split": "4:1"},
            Budget(),
            "split=4:1 leaves no validation rows",
        ),
    ],
)
def test_spaces_that_cannot_be_searched(
    tmp_path: Path, sample: list[str], settings: dict[str, Any], budget: Budget, says: str
) -> None:
    with pytest.raises(UserError, match=says):
        tuned(tmp_path, sample, budget, **settings)


def test_a_setting_that_some_trials_use_is_used(tmp_path: Path) -> None:
    found = tuned(
        tmp_path,
        ["optimizer=sgd|adam", "optimizer.momentum=0|0.9 if optimizer=sgd"],
        Budget("grid"),
    )
    assert len(found.study.trials) == 3


def test_the_axes_of_an_arm() -> None:
    axes = axes_lib.sampled(
        ["learning_rate=log(1e-3,1)", "regularization.dropout=uniform(0,0.8) if arm=dropout"],
        {space.ARM: ["none", "dropout"]},
    )
    assert [str(axis) for axis in space.of_arm(axes, "none")] == ["learning_rate=log(0.001,1)"]
    assert [str(axis) for axis in space.of_arm(axes, "dropout")] == [
        "learning_rate=log(0.001,1)",
        "regularization.dropout=uniform(0,0.8)",
    ]
    with pytest.raises(UserError, match="arm is never 'drop'; did you mean dropout"):
        axes_lib.sampled(["learning_rate=0.1|1 if arm=drop"], {space.ARM: ["none", "dropout"]})
