"""Policy gradient: a network's outputs are the logits of actions, which earn more by ascent."""

from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp

from research.data.environments.world import State, World
from research.options import Count, Fraction
from research.registry import DATASETS, OBJECTIVES, Environment, Objective
from research.tasks.objectives.game import Game, Player
from research.tasks.objectives.rollout import returns_to_go, rollout
from research.tasks.objectives.turn import Apply, Aux, Keys, PlayerBatch, Policy


def policy_gradient(
    horizon: Annotated[Count, "steps of each environment per update"] = 1,
    discount: Annotated[Fraction, "of the next step's reward"] = 1.0,
    baseline: Annotated[
        Literal["none", "mean"], "what is subtracted from the returns: their mean over the batch"
    ] = "none",
    gradient: Annotated[
        Literal["sampled", "expected"],
        "sampled: of the log-probabilities of the actions; expected: of the expected reward, where"
        " the environment knows it",
    ] = "sampled",
    episode_steps: Annotated[Count, "most steps of an episode of evaluation"] = 1,
) -> Game:
    """REINFORCE: ascent along the mean of return · ∇ log π(action).

    With `expected` it is ascent along the gradient of Σ π(a) E[reward | a] itself, without noise.
    `batch_size` environments make `horizon` steps in each update.

    Example:
        >>> game = policy_gradient(horizon=16)
        >>> game.horizon, game.metrics  # examples per environment; what curves follow
        (16, ('reward',))
    """

    def collect(
        world: World, policy: Policy, states: State, keys: Keys
    ) -> tuple[State, dict[str, jax.Array]]:
        def act(observations: jax.Array, keys: jax.Array) -> jax.Array:
            return jax.vmap(jax.random.categorical)(keys, policy(observations))

        states, steps = rollout(world, act, states, keys.of_examples("rollout"), horizon)
        returns = returns_to_go(steps.rewards, steps.over, discount)
        batch = steps._asdict() | {"returns": returns}
        # The mean is taken here, where all environments are seen, on however many devices.
        if baseline == "mean":
            batch["returns"] = returns - returns.mean()
        del batch["over"]
        # One example per step: [T, B, ...] as [T · B, ...].
        return states, jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), batch)

    def loss(
        player: str, apply: Apply, params: Any, batch: PlayerBatch, keys: Keys
    ) -> tuple[jax.Array, Aux]:
        steps = batch.x
        forward = apply(params, steps["observations"])
        log_probabilities = jax.nn.log_softmax(forward.outputs)
        if gradient == "expected":
            gain = jnp.sum(jnp.exp(log_probabilities) * steps["expected"], axis=-1)
        else:
            taken = jnp.take_along_axis(log_probabilities, steps["actions"][:, None], axis=-1)
            gain = steps["returns"] * taken[:, 0]
        return -batch.mean(gain), Aux(forward, {"reward": batch.mean(steps["rewards"])})

    def evaluate(world: World, policy: Policy, keys: jax.Array) -> dict[str, jax.Array]:
        def act(observations: jax.Array, keys: jax.Array) -> jax.Array:
            return jax.vmap(jax.random.categorical)(keys, policy(observations))

        states = jax.vmap(world.reset)(keys)
        _, steps = rollout(world, act, states, keys, episode_steps)
        rewards = steps.rewards
        # What an action is expected to earn has less variance than what it earned.
        if steps.expected is not None:
            shares = jax.nn.softmax(jax.vmap(policy)(steps.observations))
            rewards = jnp.sum(shares * steps.expected, axis=-1)
        # The first episode counts, up to its end.
        ended_before = jnp.cumsum(steps.over, axis=0) - steps.over
        return {"return": jnp.sum(jnp.where(ended_before > 0, 0, rewards), axis=0)}

    return Game(
        (Player(),), loss, metrics=("reward",), collect=collect, evaluate=evaluate, horizon=horizon
    )


def _knows_rewards(config: Any, spec: Any) -> str | None:
    """gradient=expected requires an environment that knows its expected rewards."""
    entry = DATASETS.get(config.dataset.name)
    if config.objective["gradient"] != "expected" or not isinstance(entry, Environment):
        return None
    assert entry.world is not None
    options = {name: value for name, value in config.dataset.options if name != "episodes"}
    if entry.world(**options).expected is not None:
        return None
    return f"gradient=expected needs expected rewards, and {spec.name} does not know its own"


OBJECTIVES.add(
    Objective(
        "policy_gradient",
        policy_gradient,
        "REINFORCE: more of the actions that earned more, in an environment",
        "Williams 1992, Simple statistical gradient-following algorithms for connectionist"
        " reinforcement learning",
        constraints=(_knows_rewards,),
        test_options={"horizon": 2},
        test_settings={"arch": "linear", "dataset": "bernoulli_bandit"},
    )
)
