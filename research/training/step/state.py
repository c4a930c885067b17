"""What a lane is: its inputs, which never change, and its state, which a step replaces."""

from typing import Any

import flax.struct
import jax.numpy as jnp

Tree = Any
# An array, or its shape where only shapes are worked out.
Array = Any


@flax.struct.dataclass
class Lane:
    """The inputs of one run. Leaves have no lane axis here; a pack stacks them.

    Floats are of the program's dtype. init_seed, order_seed, noise_seed: uint32 []. hparams: [] by
    config path. plateau: the options of reduce_on_plateau, neutral under any other schedule. fill:
    what replaces a missing input. shift, scale: of the inputs; all as the data's last axis.
    statistics: what else is fitted to the training rows, by name, or None; see
    PreparedTable.
    target_shift, target_scale: []. unit: [], what the task measures errors in, or 1. train,
    validation, test: int32 rows of the data; -1 at their ends stands for the rows that a larger
    fold has more. class_weight: [K], what an example of each class weighs in the training loss;
    None: all weigh alike. Of a boosted run: row_weight: [N], what each row of the data weighs in
    its loss; offset: [N, C], the scores of the members before it. constants: what its network
    computes with and does not train (entry_kinds.Architecture), or None.
    """

    init_seed: Array
    order_seed: Array
    noise_seed: Array
    hparams: dict[str, Array]
    plateau: dict[str, Array]
    fill: Array
    shift: Array
    scale: Array
    target_shift: Array
    target_scale: Array
    unit: Array
    train: Array
    validation: Array
    test: Array
    class_weight: Array | None = None
    row_weight: Array | None = None
    offset: Array | None = None
    statistics: Tree = None
    constants: Tree = None


@flax.struct.dataclass
class Variables:
    """What a model is evaluated with."""

    params: Tree
    batch_stats: Tree


@flax.struct.dataclass
class LaneState:
    """All that changes while a run trains; with the config it is all there is.

    mean: the averaged variables, or None. sums: of the metrics over the epoch's steps, and what
        they are means over (research/training/step/means.py). diverged_at: the step of the first
        non-finite loss or update, or of the last update of an epoch that left something non-finite;
        -1 if there is none. epochs: how many epochs the run's curves have.
    plateau: its counters. stopping: its counters, or None. best: the variables of the best epoch,
        or None.
    """

    variables: Variables
    opt_state: Tree
    step: Array
    sums: dict[str, Array]
    diverged_at: Array
    epochs: Array
    plateau: Tree
    mean: Variables | None = None
    stopping: Tree = None
    best: Variables | None = None
    world: Tree = None

    @property
    def evaluated(self) -> Variables:
        """The mean where there is one; `update.evaluated` is what evaluation uses."""
        return self.variables if self.mean is None else self.mean

    @property
    def stopped(self) -> Array:
        """Whether early stopping has ended the run, bool []."""
        return jnp.zeros((), bool) if self.stopping is None else self.stopping.stopped
