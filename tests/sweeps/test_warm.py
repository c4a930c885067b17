"""Warm starts: which earlier trials lie in a changed space, and what a changed command tries."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

import research.catalogue  # noqa: F401
from research.errors import UserError
from research.sweeps.declare import sweep_axes as axes_lib
from research.sweeps.declare.sweep_axes import Point
from research.sweeps.records.store import Store
from research.sweeps.tuning import earlier_trials
from research.sweeps.tuning.journal import ENTERED, Studied, journal
from research.sweeps.tuning.search import Result, search
from research.sweeps.tuning.study import study
from research.sweeps.tuning.trial_samplers import count, sampler

RATES = "learning_rate=log(1e-3,1)"


class Killed(BaseException):
    """As SIGKILL ends a process, as far as the journal can tell."""


def value(point: Point) -> Result:
    """A trial at 0.5 or more diverges."""
    rate = float(point["learning_rate"])
    return Result(math.nan, "diverged") if rate >= 0.5 else Result(abs(math.log10(rate) + 1))


def searched(
    storage: BaseStorage,
    sample: Sequence[str],
    trials: int = 8,
    name: str = "random",
    settings: dict[str, str] | None = None,
    killed: bool = False,
    **more: Any,
) -> list[FrozenTrial]:
    """The trials of a command. killed: after half of the earlier trials entered the new study."""
    axes, settings = axes_lib.sampled(sample), settings or {}
    trials = count(name, axes, trials)

    def entering(earlier: Sequence[Studied]) -> list[FrozenTrial]:
        return earlier_trials.entering(
            earlier, earlier_trials.Space(settings, axes), name == "grid"
        )

    def half(earlier: Sequence[Studied]) -> Any:
        every = entering(earlier)
        yield from every[: len(every) // 2]
        raise Killed

    definition = {
        "sample": [str(axis) for axis in axes],
        "settings": settings,
        "sampler": name,
        "parallel": 4,
        **more,
    }
    begin = half if killed else entering
    found = study(storage, "a", "lower", definition, sampler(name, axes, 0), entering=begin)
    search(found, axes, trials, 4, lambda points: [value(point) for point in points])
    return found.get_trials()


def values(trials: Sequence[FrozenTrial], path: str = "learning_rate") -> list[Any]:
    return [trial.params.get(path) for trial in trials]


def entered(trials: Sequence[FrozenTrial]) -> list[str]:
    return [trial.user_attrs[ENTERED] for trial in trials if ENTERED in trial.user_attrs]


@pytest.mark.parametrize("name", ["random", "tpe", "sobol"])
def test_a_wider_space_keeps_all_trials_and_each_command_its_own(tmp_path: Path, name: str) -> None:
    with journal(Store(tmp_path), "a") as storage:
        first = searched(storage, [RATES], name=name)
        wider = searched(storage, ["learning_rate=log(1e-3,10)"], 12, name=name)
        assert [(trial.params, trial.value, trial.state) for trial in wider[:8]] == [
            (trial.params, trial.value, trial.state) for trial in first
        ]
        assert [trial.constraints for trial in wider[:8]] == [trial.constraints for trial in first]
        assert entered(wider) == [f"a {number}" for number in range(8)]
        assert values(searched(storage, ["learning_rate=log(1e-3,10)"], 12, name=name)) == values(
            wider
        )
        assert values(searched(storage, [RATES], name=name)) == values(first)


def test_a_narrower_space_keeps_the_trials_inside(tmp_path: Path) -> None:
    with journal(Store(tmp_path), "a") as storage:
        first = searched(storage, [RATES])
        narrower = searched(storage, ["learning_rate=log(1e-3,0.05)"])
    inside = [rate for rate in values(first) if rate <= 0.05]
    assert 0 < len(inside) < 8
    assert values(narrower)[: len(inside)] == inside
    assert len(entered(narrower)) == len(inside)
    assert len(narrower) == 8


def test_other_lanes_ask_for_the_same_random_trials(tmp_path: Path) -> None:
    with journal(Store(tmp_path), "a") as storage:
        first = searched(storage, [RATES])
        other = values(searched(storage, [RATES], 12, parallel=2))
        assert other == values(searched(storage, [RATES], 12))
        assert other[:8] == values(first)
        assert (
            values(searched(storage, [RATES], 8, parallel=3)) == other
        )  # what both studies tried enters once


def test_a_grid_tries_what_is_left_of_it(tmp_path: Path) -> None:
    with journal(Store(tmp_path), "a") as storage:
        searched(storage, ["learning_rate=0.1|0.01", "optimizer=sgd|adam"], name="grid")
        more = searched(
            storage, ["optimizer=rmsprop|adam|sgd", "learning_rate=0.01|0.1"], name="grid"
        )
    points = [(trial.params["optimizer"], trial.params["learning_rate"]) for trial in more]
    assert points[4:] == [("rmsprop", "0.01"), ("rmsprop", "0.1")]
    assert len(set(points)) == len(points) == 6


def test_repeated_trials_of_another_sampler_are_one_of_a_grid(tmp_path: Path) -> None:
    with journal(Store(tmp_path), "a") as storage:
        searched(storage, ["learning_rate=0.1|0.01"], 5)
        assert sorted(values(searched(storage, ["learning_rate=0.1|0.01|0.001"], 5, "grid"))) == [
            "0.001",
            "0.01",
            "0.1",
        ]


def test_a_setting_becomes_an_axis_and_an_axis_a_setting(tmp_path: Path) -> None:
    momentum = "optimizer.momentum=uniform(0,0.95) if optimizer=sgd"
    with journal(Store(tmp_path), "a") as storage:
        searched(storage, ["learning_rate=0.1|0.01"], 2, "grid", {"optimizer": "sgd"})
        more = searched(storage, ["learning_rate=0.1|0.01", "optimizer=sgd|adam", momentum], 6)
        assert [trial.params for trial in more[:2]] == [
            {"learning_rate": rate, "optimizer": "sgd", "optimizer.momentum": 0.0}
            for rate in ("0.1", "0.01")
        ]
        fixed = searched(storage, ["learning_rate=0.1|0.01"], 2, "random", {"optimizer": "adam"})
    adam = [trial.params["learning_rate"] for trial in more if trial.params["optimizer"] == "adam"]
    assert values(fixed)[: len(adam)] == adam


def test_listed_values_become_a_distribution_and_back(tmp_path: Path) -> None:
    with journal(Store(tmp_path), "a") as storage:
        searched(storage, ["learning_rate=1e-2|0.1", "batch_size=8|16"], name="grid")
        drawn = searched(storage, ["learning_rate=log(1e-2,1)", "batch_size=log_int(1,16)"], 4)
        assert [tuple(trial.params.values()) for trial in drawn] == [
            (0.01, 8),
            (0.01, 16),
            (0.1, 8),
            (0.1, 16),
        ]
        listed = searched(storage, ["learning_rate=0.01|0.3", "batch_size=16|32"], name="grid")
    assert tuple(listed[0].params.values()) == ("0.01", "16")
    assert len(entered(listed)) == 1


def test_one_that_is_killed_while_trials_enter_begins_again(tmp_path: Path) -> None:
    with journal(Store(tmp_path), "a") as storage:
        searched(storage, [RATES])
        with pytest.raises(Killed):
            searched(storage, ["learning_rate=log(1e-3,10)"], 12, killed=True)
    with journal(Store(tmp_path), "a") as storage:
        killed = searched(storage, ["learning_rate=log(1e-3,10)"], 12)
    with journal(Store(tmp_path), "b") as storage:
        searched(storage, [RATES])
        assert values(searched(storage, ["learning_rate=log(1e-3,10)"], 12)) == values(killed)


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"settings": {"epochs": "3"}}, "settings"),
        ({"data": "b"}, "data"),
        ({"versions": {"optimizer sgd": 2}}, "versions"),
    ],
)
def test_values_of_other_runs_do_not_enter(tmp_path: Path, more: dict[str, Any], key: str) -> None:
    before: dict[str, Any] = {"data": "a", "versions": {"optimizer sgd": 1, "optimizer adam": 1}}
    settings = more.pop("settings", None)
    with journal(Store(tmp_path), "a") as storage:
        searched(storage, [RATES], **before)
        with pytest.raises(UserError, match=f"'a' is a tuning of something else: {key} was "):
            searched(storage, [RATES], settings=settings, **{**before, **more})
