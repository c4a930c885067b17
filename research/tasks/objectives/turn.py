"""Turn: what the loss of a player receives and returns."""

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

import flax.struct
import jax

Tree = Any


@flax.struct.dataclass
class ForwardPass:
    """One pass of the network.

    outputs: what the network returns. batch_stats: its running statistics after the pass. penalty:
        the penalties of its activations, [].
    """

    outputs: Any
    batch_stats: Tree
    penalty: jax.Array


class Apply(Protocol):
    """The network in training, with regularizers and random layers."""

    def __call__(
        self, params: Tree, *inputs: Any, method: str | None = None, batch_stats: Tree = None
    ) -> ForwardPass:
        """A pass over inputs [B, ...].

        Args:
            params: the parameters of all players.
            *inputs: what the method takes before `fwd`.
            method: a method of the network; None for its `__call__`.
            batch_stats: the running statistics to begin with; None for the state's. A second pass
                takes those of the first.
        """


# Observations [B, ...] -> the network's outputs [B, K], in evaluation.
Policy = Callable[[jax.Array], jax.Array]


@flax.struct.dataclass
class Aux:
    """What the engine needs beside a loss.

    forward: the pass whose outputs, running statistics and penalty count; None: there is none.
    metrics: what the curves follow, [] by name, each a `PlayerBatch.mean` or a `PlayerBatch.once`.
    """

    forward: ForwardPass | None = None
    metrics: dict[str, jax.Array] = flax.struct.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class PlayerBatch:
    """The examples of one update, or this device's share of them.

    x: the network's inputs, scaled and augmented, [B, ...]; or what the objective collected.
    targets: the encoded targets, [B, ..., C]; None where the batch was collected.
    losses: what `--loss` makes of outputs [B, ..., K] and the targets, [B].
    mean: values [B] as their mean over the global batch, []. The part of this device, where the
        batch is spread over several; the engine adds the parts.
    once: a number that every device knows, such as a penalty of the parameters, [], likewise.
    """

    x: Any
    targets: Any
    losses: Callable[[Any], jax.Array]
    mean: Callable[[jax.Array], jax.Array]
    once: Callable[[jax.Array], jax.Array]


@dataclasses.dataclass(frozen=True)
class Keys:
    """Random keys of one update of one player, by name: other names, other draws.

    of_batch: name -> a key that all devices share.
    of_examples: name -> a key for each example, [B], whichever device has it.
    """

    of_batch: Callable[[str], jax.Array]
    of_examples: Callable[[str], jax.Array]
