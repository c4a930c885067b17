"""A quadratic game of two players, whose gradient dynamics are known in closed form."""

from typing import Annotated, Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.autoencoder import reconstructs
from research.models.layers.forward import Forward
from research.options import Count, NonNegative
from research.registry import ARCHITECTURES, OBJECTIVES, Architecture, Objective
from research.tasks.objectives.game import Game, Player
from research.tasks.objectives.turn import Apply, Aux, Keys, PlayerBatch

PAPER = "Gidel et al. 2019, Negative momentum for improved game dynamics"


class TwoPoints(nn.Module):
    """No network: two learned points x and y, [K] each; their sum for every example, [B, K].

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(TwoPoints(outputs=3), [3])
        ((3,), 6)
    """

    outputs: int
    start: Annotated[float, "of every coordinate of both points before the first step"] = 1.0

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        """The sum of both points for every example x [B, ...], [B, K]."""
        # A lane value is a tracer, so it comes with the pass.
        start: Any = fwd.numbers.get("start", self.start)

        def point(key: jax.Array) -> jax.Array:
            return jnp.broadcast_to(jnp.asarray(start, jnp.float32), (self.outputs,))

        total = self.param("x", point) + self.param("y", point)
        return jnp.broadcast_to(total, (x.shape[0], self.outputs))


def quadratic_game(
    coupling: Annotated[float, "b of b x·y, what the players disagree about"] = 1.0,
    curvature_x: Annotated[NonNegative, "a of a/2 |x|²"] = 0.0,
    curvature_y: Annotated[NonNegative, "c of c/2 |y|²"] = 0.0,
    noise: Annotated[NonNegative, "the weight of an example in both gradients"] = 0.0,
    updates_y: Annotated[Count, "updates of y in each step"] = 1,
    turns: Annotated[
        Literal["simultaneous", "alternating"], "whether y sees x before or after its update"
    ] = "simultaneous",
) -> Game:
    """x minimises f = a/2 |x|² + b x·y - c/2 |y|² + noise e·(x + y), and y maximises it.

    e is an example. Without noise the only equilibrium is 0. Under simultaneous steps of size η a
    bilinear game (a = c = 0) spirals outwards by √(1 + η²b²) per step; under alternating steps it
    stays on an ellipse.

    Example:
        >>> game = quadratic_game(updates_y=5, turns="alternating")
        >>> [(player.name, player.updates_per_step) for player in game.players]
        [('x', 1), ('y', 5)]
    """

    def loss(
        player: str, apply: Apply, params: Any, batch: PlayerBatch, keys: Keys
    ) -> tuple[jax.Array, Aux]:
        x = params["x"]
        y = params["y"]
        value = curvature_x / 2 * jnp.sum(x**2) + coupling * jnp.dot(x, y)
        value -= curvature_y / 2 * jnp.sum(y**2)
        examples = batch.x.reshape(len(batch.x), -1)
        values = value + noise * (examples @ (x + y))
        if player == "y":
            return -batch.mean(values), Aux()
        distance = jnp.sqrt(jnp.sum(x**2) + jnp.sum(y**2))
        return batch.mean(values), Aux(metrics={"distance": batch.once(distance)})

    players = (Player("x", owns="^x$"), Player("y", owns="^y$", updates_per_step=updates_y))
    return Game(players, loss, turns, metrics=("distance",))


ARCHITECTURES.add(
    Architecture(
        "two_points",
        TwoPoints,
        "no network: two learned points, for objective=quadratic_game",
        PAPER,
        constraints=(reconstructs,),
    )
)


def _two_points(config: Any, spec: Any) -> str | None:
    """The network is arch=two_points."""
    if config.arch.name == "two_points":
        return None
    return "objective=quadratic_game moves two points; write --arch=two_points"


OBJECTIVES.add(
    Objective(
        "quadratic_game",
        quadratic_game,
        "two players on a quadratic: x minimises what y maximises",
        PAPER,
        constraints=(_two_points,),
        test_options={"curvature_x": 0.5, "curvature_y": 0.5},
        test_settings={"arch": "two_points", "task": "reconstruction", "scaling": "none"},
    )
)
