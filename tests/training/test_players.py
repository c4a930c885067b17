"""Objectives with players: the quadratic game against its closed form, and the settings of
players."""

from typing import Any
from unittest import mock

import jax
import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.config import resolve, to_flags
from research.errors import UserError
from research.registry import OBJECTIVES, Objective
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.tasks.objectives.game import Game, Player
from research.tasks.objectives.turn import Aux
from research.testing.few_steps import lane, start, steps
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from research.training.step import means
from tests.support.engine import TABLE

GAME = {
    "task": "reconstruction",
    "scaling": "none",
    "arch": "two_points",
    "objective": "quadratic_game",
    "split": "4:1:1",
    "split_seed": 0,
    "batch_size": 2,
    "precision": "float64",
}
STEPS = 20


def planned(*changes: dict[str, Any]) -> list[PlannedRun]:
    return Planner(lambda config: TABLE).runs([{**GAME, **change} for change in changes])


def iterates(settings: dict[str, Any], noise: np.ndarray) -> np.ndarray:
    """x and y after each step, float64 [steps + 1, 2]; noise: what the examples of each round add
    to the gradients, [steps, rounds]."""
    a, b, c = (settings[f"objective.{name}"] for name in ("curvature_x", "coupling", "curvature_y"))
    rate_x, rate_y = settings["learning_rate.x"], settings["learning_rate.y"]
    x = y = 1.0
    path = [(x, y)]
    for rounds in noise:
        before = x
        x = x - rate_x * (a * x + b * y + rounds[0])
        seen = x if settings["objective.turns"] == "alternating" else before
        for drawn in rounds[: settings["objective.updates_y"]]:
            y = y + rate_y * (b * seen - c * y + drawn)
        path.append((x, y))
    return np.array(path)


LANES = [
    {
        "objective.coupling": coupling,
        "objective.curvature_x": curvature,
        "objective.curvature_y": 2 * curvature,
        "learning_rate.x": rate,
        "learning_rate.y": 2 * rate,
        "seed": seed,
    }
    for coupling, curvature, rate, seed in [
        (1.0, 0.0, 0.1, 0),
        (1.0, 0.5, 0.1, 1),
        (-2.0, 0.3, 0.05, 2),
        (0.5, 0.0, 0.4, 0),
    ]
]


@pytest.mark.parametrize("turns", ["simultaneous", "alternating"])
@pytest.mark.parametrize("updates", [1, 3])
def test_the_dynamics_are_those_of_the_closed_form(turns: str, updates: int) -> None:
    """All lanes in one program. 1e-12: float64, and a few roundings per step."""
    more = {"objective.turns": turns, "objective.updates_y": updates}
    cases = [{**each, **more} for each in LANES]
    runs = planned(*cases)
    assert len({run.program for run in runs}) == 1
    count = STEPS // updates
    params = steps(runs, TABLE.data, len(runs), count).params
    for number, case in enumerate(cases):
        x, y = iterates(case, np.zeros((count, updates)))[-1]
        np.testing.assert_allclose(params["x"][number], x, rtol=1e-12)
        np.testing.assert_allclose(params["y"][number], y, rtol=1e-12)


def test_simultaneous_steps_of_a_bilinear_game_spiral_by_its_eigenvalue() -> None:
    """|1 ± iηb| = √(1 + η²b²) in each step; alternating steps have eigenvalues of modulus 1."""
    rate, coupling = 0.3, 0.8
    settings = {"objective.coupling": coupling, "learning_rate": rate, "batch_size": "full"}
    by_turns = {}
    for turns in ("simultaneous", "alternating"):
        (run,) = planned({**settings, "objective.turns": turns, "epochs": 40})
        (outcome,) = loop.train(run.program, [run.config], TABLE.data, ExecutionStrategy(1, 1))
        by_turns[turns] = np.array(outcome.curves["train/distance"])
    growth = by_turns["simultaneous"][1:] / by_turns["simultaneous"][:-1]
    np.testing.assert_allclose(growth, np.sqrt(1 + (rate * coupling) ** 2), rtol=1e-12)
    # The ellipse x² - ηb xy + y² = const bounds the distance from both sides.
    ratio = np.sqrt((2 + rate * coupling) / (2 - rate * coupling))
    start = by_turns["alternating"][0]
    assert (by_turns["alternating"] <= start * ratio * (1 + 1e-12)).all()
    assert (by_turns["alternating"] >= start / ratio * (1 - 1e-12)).all()


def test_each_update_of_a_step_reads_rows_of_its_own() -> None:
    """The rounds are consecutive batches of the epoch's order, and x reads the first of them."""
    case = {
        **LANES[1],
        "objective.turns": "alternating",
        "objective.updates_y": 3,
        "objective.noise": 0.7,
    }
    (run,) = planned(case)
    chunk = start([run], TABLE.data, 1)
    count = 5
    first = np.zeros(1, np.int32)
    rows = np.asarray(chunk.functions.order(chunk.lanes, first, count=count * 6))[0]
    read = np.asarray(TABLE.data.x, np.float64)[rows].reshape(count, 3, 2, -1).mean(axis=2)
    params = lane(steps([run], TABLE.data, 1, count).params, 0)
    for feature in range(4):
        x, y = iterates(case, 0.7 * read[..., feature])[-1]
        # The rows are float32, and their mean is taken in float64.
        np.testing.assert_allclose([params["x"][feature], params["y"][feature]], [x, y], rtol=1e-6)


def test_what_updates_acts_on_each_player_apart() -> None:
    """Clipping by the norm of one player's gradient, decay and averages against numpy."""
    settings = {
        "objective.coupling": 1.0,
        "learning_rate.x": 0.1,
        "learning_rate.y": 0.2,
        "regularization": "clip_norm=0.5,ema=0.5",
        "optimizer.y.momentum": 0.5,
    }
    (run,) = planned(settings)
    params = lane(steps([run], TABLE.data, 1, 1).params, 0)
    # Both gradients are ±1 in each of 4 coordinates: norm 2, clipped to 0.5.
    np.testing.assert_allclose(params["x"], 1 - 0.1 * 0.25, rtol=1e-12)
    np.testing.assert_allclose(params["y"], 1 + 0.2 * 0.25, rtol=1e-12)
    state = jax.device_get(start([run], TABLE.data, 1).state)
    momenta = [leaf.shape for leaf in jax.tree.leaves(state.opt_state["optimizer.y"])]
    assert momenta.count((1, 4)) == 1, "y has state for its own parameters alone"


def test_frozen_parameters_of_a_player_stay() -> None:
    """Three steps of the other player by hand, within float64 rounding."""
    (run,) = planned({"freeze": "^x$"})
    params = lane(steps([run], TABLE.data, 1, 3).params, 0)
    assert (params["x"] == 1).all()
    # y's gradient stays that of x = 1.
    np.testing.assert_allclose(params["y"], 1 + 3 * 0.1, rtol=1e-12)


def test_settings_of_a_player_go_before_those_of_all() -> None:
    settings = {
        **GAME,
        "optimizer": "sgd(momentum=0.3)",
        "learning_rate": 0.5,
        "optimizer.y": "adam",
        "optimizer.y.b1": 0.4,
        "learning_rate.y": 0.01,
        "schedule.x": "cosine",
    }
    config, unused = resolve(settings)
    x, y = config.players
    assert not unused
    assert (x.optimizer.name, x.optimizer["momentum"], x.learning_rate) == ("sgd", 0.3, 0.5)
    assert (y.optimizer.name, y.optimizer["b1"], y.learning_rate) == ("adam", 0.4, 0.01)
    assert (x.schedule.name, y.schedule.name) == ("cosine", "constant")
    assert resolve(to_flags(config))[0] == config, "a record's flags give the same run"


def test_two_ways_to_say_the_same_are_one_run() -> None:
    shared, each = planned({"learning_rate": 0.2}, {"learning_rate.x": 0.2, "learning_rate.y": 0.2})
    assert shared.id == each.id


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rate.z": 0.1}, "has the players x and y; write --learning_rate.x or"),
        ({"optimizer.z": "adam"}, "has the players x and y; write --optimizer.x or --optimizer.y"),
        ({"optimizer.x.b1": 0.5}, "--optimizer.x.b1 is not used"),
        (
            {"objective": "supervised", "learning_rate.x": 0.1},
            "objective=supervised has one player; write --learning_rate",
        ),
        ({"arch": "mlp"}, "objective=quadratic_game moves two points; write --arch=two_points"),
        ({"schedule.x": "reduce_on_plateau"}, "follows one loss, .* has 2 players"),
        ({"objective.updates_y": 3, "remainder": "pad"}, "use remainder=drop"),
        (
            {"objective.updates_y": 3, "batch_size": 20},
            "reads 3 batches of 20, more than the 40 training rows",
        ),
        ({"regularization": "l1_prox=0.1", "optimizer.y": "adam"}, "use optimizer=sgd, not adam"),
    ],
)
def test_bad_settings_of_players_are_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        planned(settings)


def test_what_an_update_has_once_is_a_mean_over_updates() -> None:
    """An epoch of 2 updates with 5 targets in 4 examples; the first player's loss is per target."""
    (run,) = planned({"batch_size": 20})
    assert run.program.sizes.steps_per_epoch == 2
    counting = mock.Mock(
        counts_targets=True,
        sizes=run.program.sizes,
        game=run.program.game,
        problem=run.program.problem,
        config=mock.Mock(loss_mean="targets"),
    )
    sums = {"examples": 4, "targets": 5, "loss": 10, "loss.x": 10, "mse": 8}
    once = {"loss.y": 6, "grad_norm.x": 2, "grad_norm.y": 4, "update_norm.x": 1}
    means_of = means.of_epoch(counting, {**sums, **once})
    assert means_of == {
        "loss": 2,
        "loss.x": 2,
        "mse": 2,
        "loss.y": 3,
        "grad_norm.x": 1,
        "grad_norm.y": 2,
        "update_norm.x": 0.5,
    }


def test_a_game_that_collects_makes_one_update_per_step() -> None:
    unused: Any = None
    collecting: Any = lambda *_: None  # noqa: E731
    with pytest.raises(UserError, match="collects a single batch per step"):
        Game((Player(updates_per_step=2),), unused, collect=collecting, evaluate=collecting)


def test_batch_norm_of_one_row_in_each_round_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step reads two rows, but each round normalizes over its own."""
    players = (
        Player("hidden", owns="^HiddenDense", updates_per_step=2),
        Player("rest", owns="^(?!HiddenDense)"),
    )

    def halves() -> Game:
        unused: Any = None
        return Game(players, unused, metrics=())

    monkeypatch.setattr(OBJECTIVES, "_entries", dict(OBJECTIVES._entries))
    OBJECTIVES.add(Objective("halves", halves, "two halves of a network"))
    settings = {
        "arch": "mlp",
        "objective": "halves",
        "split": "4:1:1",
        "regularization": "batch_norm",
    }
    planner = Planner(lambda config: TABLE)
    planner.runs([{**settings, "batch_size": 2}])
    with pytest.raises(UserError, match="an update of batch_size=1 leaves it one row"):
        planner.runs([{**settings, "batch_size": 1}])


def test_a_metric_that_the_game_does_not_name_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    players = (Player("hidden", owns="^HiddenDense"), Player("rest", owns="^(?!HiddenDense)"))

    def loss(player: str, apply: Any, params: Any, batch: Any, keys: Any) -> Any:
        forward = apply(params, batch.x)
        value = batch.mean(batch.losses(forward.outputs))
        return value, Aux(forward, {"extra": value} if player == "rest" else {})

    monkeypatch.setattr(OBJECTIVES, "_entries", dict(OBJECTIVES._entries))
    OBJECTIVES.add(Objective("halves", lambda: Game(players, loss), "two halves of a network"))
    settings = {"arch": "mlp", "objective": "halves", "split": "4:1:1", "batch_size": 2}
    (run,) = Planner(lambda config: TABLE).runs([settings])
    with pytest.raises(UserError, match="the metric 'extra', which its Game does not name"):
        loop.train(run.program, [run.config], TABLE.data, ExecutionStrategy(1, 1))
