"""Environments: learners whose expected return is known, and what environments refuse."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research import identity
from research.data.environments.collected import environment
from research.data.environments.world import State, World, WorldStep
from research.data.in_memory import made_up
from research.data.source import open_source
from research.errors import UserError
from research.registry import DATASETS, Environment
from research.sweeps.plan.run_plan import PlannedRun, row_counts
from research.sweeps.plan.run_planner import Planner
from research.tasks.objectives.rollout import returns_to_go
from research.testing import subjects
from research.testing.conformance import CHECKS
from research.testing.few_steps import initial, lane, steps
from research.testing.subjects import Subject
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from research.training.engine.chunk import PackSetup
from research.training.step import norm_statistics

LEARNER = {
    "objective": "policy_gradient",
    "arch": "linear",
    "precision": "float64",
    "updates_per_epoch": 10,
    "epochs": 2,
    "batch_size": 4,
}
ARMS = 5


def planned(name: str, *changes: dict[str, Any]) -> list[PlannedRun]:
    planner = Planner(lambda config: opened(config.dataset.name))
    return planner.runs([{"dataset": name, **LEARNER, **change} for change in changes])


def opened(name: str) -> Any:
    return open_source(name, {"episodes": 64}, data_dir=None, cache_dir="")


def softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits - logits.max())
    return np.asarray(shares / shares.sum())


def ascent(logits: np.ndarray, means: np.ndarray, rate: float, count: int) -> np.ndarray:
    """Gradient ascent on Σ π(a) µ(a), whose gradient is π(a) (µ(a) - Σ π µ)."""
    for _ in range(count):
        shares = softmax(logits)
        # The kernel and the bias get the same gradient, and both add to the logits.
        logits = logits + 2 * rate * shares * (means - shares @ means)
    return logits


def first_logits(run: PlannedRun) -> np.ndarray:
    _, variables = initial(run, opened("gaussian_bandit").arrays())
    return _logits(variables.params)


def _logits(params: Any) -> np.ndarray:
    """Kernel and bias, float64 [A]: added on the host, since JAX would round to float32."""
    leaves = [np.asarray(leaf).reshape(-1) for leaf in jax.tree.leaves(params)]
    return np.sum(leaves, axis=0)


def test_the_expected_return_is_that_of_the_closed_form() -> None:
    """Several gaps, rates and seeds in one program; 20 updates. 1e-12: float64."""
    cases = [
        {"dataset.gap": gap, "learning_rate": rate, "seed": seed, "objective.gradient": "expected"}
        for gap, rate, seed in [(0.25, 0.5, 0), (0.5, 0.1, 1), (1.0, 1.0, 2)]
    ]
    runs = planned("gaussian_bandit", *cases)
    assert len({run.program for run in runs}) == 1
    data = opened("gaussian_bandit").arrays()
    outcomes = loop.train(
        runs[0].program, [run.config for run in runs], data, ExecutionStrategy(len(runs), 1)
    )
    for run, case, outcome in zip(runs, cases, outcomes, strict=True):
        means = float(case["dataset.gap"]) * np.arange(ARMS)
        learned = [
            softmax(ascent(first_logits(run), means, float(case["learning_rate"]), count)) @ means
            for count in (10, 20)
        ]
        np.testing.assert_allclose(outcome.curves["validation/return"], learned, rtol=1e-12)
        np.testing.assert_allclose(outcome.metrics["test/return"], learned[-1], rtol=1e-12)


@pytest.mark.parametrize("baseline", ["none", "mean"])
def test_the_sampled_gradient_has_the_expected_one_as_its_mean(baseline: str) -> None:
    """20,000 pulls: the gradient of a logit is a mean of terms of deviation below 2, so its error
    is below 2 / √20,000 · 4 in all but one of 10,000 draws."""
    (run,) = planned(
        "gaussian_bandit",
        {"batch_size": 20_000, "learning_rate": 1.0, "objective.baseline": baseline},
    )
    means = 0.25 * np.arange(ARMS)
    start = first_logits(run)
    params = lane(steps([run], opened("gaussian_bandit").arrays(), 1, 1).params, 0)
    moved = _logits(params) - start
    expected = ascent(start, means, 1.0, 1) - start
    np.testing.assert_allclose(moved / 2, expected / 2, atol=8 / np.sqrt(20_000))


def test_returns_to_go_end_with_the_episode() -> None:
    rewards = jnp.array([[1.0], [2.0], [4.0], [8.0]])
    over = jnp.array([[False], [True], [False], [False]])
    # 1 + 2/2; 2; 4 + 8/2; 8
    np.testing.assert_array_equal(returns_to_go(rewards, over, 0.5)[:, 0], [2, 2, 8, 8])


def corridor(length: int = 5, slip: float = 0.2) -> World:
    """A walk to the right end; `slip` is the probability of a step to the left."""

    def step(state: State, action: jax.Array, key: jax.Array) -> WorldStep:
        slips = jax.random.bernoulli(key, slip)
        place = jnp.clip(state["place"] + jnp.where(slips, -1, 2 * action - 1), 0, length - 1)
        state = {"place": place, "steps": state["steps"] + 1}
        arrived = place == length - 1
        return WorldStep(state, jnp.where(arrived, 1.0, -0.1), arrived, state["steps"] >= 12)

    return World(
        observation=(length,),
        actions=("left", "right"),
        reset=lambda key: {"place": jnp.zeros((), jnp.int32), "steps": jnp.zeros((), jnp.int32)},
        observe=lambda state: jax.nn.one_hot(state["place"], length),
        step=step,
    )


@pytest.fixture(scope="module")
def walk() -> Iterator[Environment]:
    """An environment whose episodes are longer than a rollout, so that its states matter."""
    entry = environment("corridor", corridor, "a walk")
    DATASETS.add(entry)
    yield entry
    del DATASETS._entries["corridor"]


WALKER = {
    "objective": "policy_gradient",
    "objective.horizon": 3,
    "objective.episode_steps": 12,
    "arch": "mlp",
    "arch.hidden": (8,),
}


@pytest.mark.parametrize("check", CHECKS.values(), ids=list(CHECKS))
def test_states_of_environments_are_part_of_a_run(walk: Environment, check: Any) -> None:
    case = subjects.part(DATASETS.kind, walk)
    check(Subject({**case.settings, **WALKER}, case.data))


def test_a_walker_learns(walk: Environment) -> None:
    """At best an episode takes a bit more than 4 steps; a random walk is stopped after 12."""
    (run,) = planned(
        "corridor",
        {
            **WALKER,
            "precision": "float32",
            "optimizer": "adam",
            "learning_rate": 0.05,
            "batch_size": 32,
            "updates_per_epoch": 40,
        },
    )
    data = opened("corridor").arrays()
    (outcome,) = loop.train(run.program, [run.config], data, ExecutionStrategy(1, 20))
    assert outcome.metrics["test/return"] > 0.2


def test_the_best_parameters_are_those_of_the_highest_return() -> None:
    """And not of the lowest surrogate loss, which here is another epoch's."""
    (run,) = planned(
        "gaussian_bandit", {"epochs": 6, "learning_rate": 5.0, "updates_per_epoch": 1, "seed": 1}
    )
    data = opened("gaussian_bandit").arrays()
    (outcome,) = loop.train(
        run.program, [run.config], data, ExecutionStrategy(1, 1), PackSetup(keep=True)
    )
    best = 1 + int(np.argmax(outcome.curves["validation/return"]))
    assert best != 1 + int(np.argmin(outcome.curves["train/loss"]))
    assert outcome.best_and_last is not None
    assert int(outcome.best_and_last.best_epoch) == best


BANDITS = [entry for entry in DATASETS if isinstance(entry, Environment)]


@pytest.mark.parametrize("check", CHECKS.values(), ids=list(CHECKS))
@pytest.mark.parametrize("entry", BANDITS, ids=lambda entry: entry.name)
def test_every_environment_passes(entry: Environment, check: Any) -> None:
    check(subjects.part(DATASETS.kind, entry))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objective": "supervised"}, "is an environment, .* --objective=policy_gradient"),
        ({"split": "8:2"}, "split is about rows, and gaussian_bandit is an environment"),
        ({"scaling": "none"}, "scaling is about rows"),
        ({"split_seed": 7}, "split_seed is about rows"),
        ({"split_seed": "seed"}, "split_seed is about rows"),
        ({"batch_size": "full"}, "it is a number of environments, such as --batch_size=64"),
        ({"regularization": "input_noise=0.1"}, "the examples of gaussian_bandit are collected"),
        ({"arch": "cnn"}, "arch=cnn"),
        ({"regularization": "early_stopping=2"}, "early_stopping reads a validation loss, and an"),
        ({"schedule": "reduce_on_plateau"}, "reduce_on_plateau reads a validation loss, and an"),
        ({"regularization": "ema=0.9,swa=0.5"}, "ema and swa are both of the slot average"),
        ({"accumulate": 5}, "accumulate=5 parts of a batch of 4 leave some empty"),
        (
            {"arch": "mlp", "regularization": "batch_norm,ema(0.9,statistics=recomputed)"},
            "statistics=recomputed of ema applies only to rows and one player",
        ),
    ],
)
def test_what_an_environment_has_no_use_for_is_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        planned("gaussian_bandit", settings)


def test_the_default_number_of_updates_is_one_run_however_it_is_said() -> None:
    said, default = planned(
        "gaussian_bandit", {"updates_per_epoch": 100}, {"updates_per_epoch": None}
    )
    assert said.id == default.id
    assert said.program.sizes.updates == 100


def test_an_environment_has_no_statistics_to_recompute() -> None:
    """The averages' default does nothing there, and is no revision of the run."""
    (run,) = planned("gaussian_bandit", {"arch": "mlp", "regularization": "batch_norm,swa=0.5"})
    assert not norm_statistics.are_recomputed(run.program)
    assert "recomputed statistics" not in dict(identity.versions(run.config))


def test_few_episodes_are_no_rows_to_split() -> None:
    source = open_source("gaussian_bandit", {"episodes": 4}, data_dir=None, cache_dir="")
    (run,) = Planner(lambda config: source).runs([{"dataset": "gaussian_bandit", **LEARNER}])
    assert row_counts(run) == {"own_test_rows": 4}


def test_rows_and_environments_are_not_confused() -> None:
    source = made_up()[-1]
    planner = Planner(lambda config: source)
    with pytest.raises(UserError, match="collects its examples in an environment, and memory has"):
        planner.runs([{"objective": "policy_gradient"}])
    with pytest.raises(UserError, match="updates_per_epoch is for environments"):
        planner.runs([{"updates_per_epoch": 3}])
