"""What the loop calls of a chunk: the functions of one lane, mapped by a backend and compiled."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np

from research.training.devices import lane_functions
from research.training.devices.backend import Axes, Backend
from research.training.devices.batch_layout import BatchLayout
from research.training.devices.pmap import PmapBackend, devices_of
from research.training.devices.strategy import ExecutionStrategy
from research.training.devices.vmap import VmapBackend, accepts
from research.training.setup.program import Program
from research.training.step import norm_statistics, update
from research.training.step.epoch_end import end_epoch
from research.training.step.state import Lane, LaneState, Tree, Variables
from research.training.step.step import train_step


class RowBlock(NamedTuple):
    """What a gather reads: x [N, ...], y [N, ...] or [W, N, ...] where lanes differ, and each
    lane's rows [W, R], from batch `begin` on. Of several inputs or targets: each by its name.

    of_rows: what else is known of each row, [N], by its name in a batch: what it weighs in the
        loss, or its number.
    """

    x: Any
    y: Any
    rows: jax.Array
    begin: int
    lanes_differ: bool = False
    of_rows: Mapping[str, jax.Array] = MappingProxyType({})

    @property
    def shared(self) -> dict[str, Any]:
        """What all lanes have in common, by its name in a batch."""
        return {"x": self.x, **self.of_rows}


# Cached: JAX compiles per function object, and each call here would make another one.
@functools.cache
def compiled(
    backend: Backend,
    function: Callable[..., Any],
    static: tuple[Any, ...],
    axes: Axes,
    donate: tuple[int, ...] = (),
) -> Any:
    """A function of one lane with its first arguments fixed, mapped and compiled.

    Args:
        backend: maps and compiles it, once per program.
        function: of one lane.
        static: its first arguments, which shape the program.
        axes: of its other arguments.
        donate: those of the other arguments whose arrays are given away.
    """
    over_all = over_lanes(backend, of_one_lane(function, *static), axes)
    return backend.compile(over_all, axes, donate)


@functools.cache
def of_one_lane(function: Callable[..., Any], *static: Any) -> Callable[..., Any]:
    """A function of one lane with its first arguments fixed, traced once for all numbers of lanes.

    Tracing runs the Python of the network and takes longer than mapping what was traced. Inlined,
    it is the same program as if it were traced for each number of lanes.
    """
    return jax.jit(functools.partial(function, *static), inline=True)


def over_lanes(backend: Backend, function: Callable[..., Any], axes: Axes) -> Callable[..., Any]:
    """A function of one lane over all lanes that a device has, to be compiled by the backend.

    Args:
        backend: says how many lanes a device has.
        function: of one lane.
        axes: of its arguments.
    """
    if backend.lanes is None:
        return function
    if backend.lanes > 1:
        return jax.vmap(function, axes)

    # Mapped convolutions become grouped ones, which are slow; a single lane need not pay.
    def over_one(*trees: Tree) -> Tree:
        lane_trees = [
            tree if axis is None else jax.tree.map(lambda leaf: leaf[0], tree)
            for tree, axis in zip(trees, axes, strict=True)
        ]
        return jax.tree.map(lambda leaf: leaf[None], function(*lane_trees))

    return over_one


@functools.cache
def compiled_updates(backend: Backend, program: Program, steps: int) -> Any:
    """The updates of a dispatch of so many steps, compiled.

    The function takes states, lanes, batches with the learning rate's factors, all [W, ...], and
    the first update of the dispatch to make with their count; it gives the states away.

    Args:
        backend: maps the update over lanes, and compiles the dispatch.
        program: what the lanes have in common.
        steps: updates per dispatch.
    """

    update_of_lane = of_one_lane(_update_of_lane, program, backend.shard.axis)
    update_of_all = over_lanes(backend, update_of_lane, (0, 0, 0, None))

    def advance(states: LaneState, lanes: Lane, batches: Any, first: Any, count: Any) -> LaneState:
        def update(step: Any, states: LaneState) -> LaneState:
            return update_of_all(states, lanes, batches, step)

        # Outside a loop: inside one, XLA on a CPU runs a convolution several times slower.
        if steps == 1:
            return update(0, states)
        # The bounds are arguments, so that a piece of any length is the same compiled program, and
        # a stop between pieces changes no bit.
        return jax.lax.fori_loop(first, first + count, update, states)

    # The states are donated: a chunk then has parameters and optimizer state in memory once.
    return backend.compile(advance, (0, 0, 0, None, None), (0,))


def _update_of_lane(
    program: Program, axis: str | None, state: LaneState, lane: Lane, batches: Any, step: Any
) -> LaneState:
    """The update of one lane by one of a dispatch's batches, leaves [steps, ...]."""
    batch = jax.tree.map(lambda leaf: leaf[step], batches)
    return train_step(program, state, lane, batch, axis)


@functools.cache
def compiled_statistics(backend: Backend, program: Program, steps: int) -> Any:
    """The sums of batch norm's statistics over the first batches of a dispatch, compiled.

    The function takes states, lanes and batches, all [W, ...], and how many batches count.

    Args:
        backend: compiles it.
        program: what the lanes have in common.
        steps: batches per dispatch.
    """
    of_lane = functools.partial(norm_statistics.of_batch, program, backend.shard.axis)

    def of_step(state: LaneState, lane: Lane, batches: Any, step: Any) -> Any:
        return of_lane(state, lane, jax.tree.map(lambda leaf: leaf[step], batches))

    of_all = over_lanes(backend, of_step, (0, 0, 0, None))

    def sums(states: LaneState, lanes: Lane, batches: Any, count: Any) -> Any:
        def add(step: Any, total: Any) -> Any:
            return jax.tree.map(jnp.add, total, of_all(states, lanes, batches, step))

        first = of_all(states, lanes, batches, 0)
        # As in the updates: a loop would make convolutions slow on a CPU.
        return first if steps == 1 else jax.lax.fori_loop(1, count, add, first)

    return backend.compile(sums, (0, 0, 0, None))


@dataclasses.dataclass(frozen=True)
class ChunkFunctions:
    """The functions of a chunk. Leaves of lanes, states and batches are [W, ...]: see `Backend`."""

    program: Program
    backend: Backend

    @classmethod
    def of(
        cls, program: Program, strategy: ExecutionStrategy, device: jax.Device | None
    ) -> "ChunkFunctions":
        """Those of a program's chunk.

        Args:
            program: what the lanes have in common.
            strategy: how they run.
            device: of the lanes; ignored for a run over several.
        """
        if strategy.replicas == 1:
            # A later jaxlib may lack an option; its bits are others in any case.
            options = strategy.compiler_options if accepts(strategy.compiler_options) else ()
            return cls(program, VmapBackend(strategy.width, device, options))
        assert not strategy.compiler_options, "jax.pmap takes no compiler options"
        # The leading axis is that of the devices, so none is left for lanes.
        assert strategy.width == 1, "a run that is spread over devices is alone in its chunk"
        return cls(program, PmapBackend(devices_of(strategy.replicas)))

    def labels(self, lanes: Lane, y: jax.Array) -> jax.Array:
        """Each lane's labels [W, N, ...] where noise makes lanes differ. y: [N, ...]."""
        static = (self.program.width,)
        return compiled(self.backend, lane_functions.labels, static, (0, None))(lanes, y)

    def order(self, lanes: Lane, epoch: np.ndarray, count: int, padding: int = 0) -> jax.Array:
        """The rows that each lane reads in its epoch, [W, count + padding].

        Args:
            lanes: the lanes' inputs.
            epoch: each lane's epoch, [W].
            count: how many rows; beyond the training rows the last one is repeated.
            padding: how many more times the last row is repeated.
        """
        static = (count, padding, self.program.sizes.uneven)
        function = compiled(self.backend, lane_functions.order, static, (0, 0))
        return function(lanes, self.backend.repeat(epoch))

    def gather(
        self, block: RowBlock, first: int, real: np.ndarray | None = None, *, steps: int
    ) -> dict[str, jax.Array]:
        """The batches of consecutive updates, leaves [W, steps, ...]; see `lane_functions.gather`.

        Args:
            block: what they are gathered from.
            first: the step of the epoch that the first batch belongs to.
            real: how many rows each lane's epoch reads, [W]; None where all lanes read as many.
            steps: how many batches.
        """
        program = self.program
        layout = BatchLayout(program.sizes, program.parts, self.backend.shard)
        axes: tuple[int | None, ...] = (None, 0 if block.lanes_differ else None, 0, None)
        # Left out where it is None: pmap takes as many axes as leaves to be one axis per leaf.
        counts = [] if real is None else [self.backend.repeat(real)]
        axes += (0,) * len(counts)
        function = compiled(self.backend, lane_functions.gather, (layout, steps), axes)
        # Positions are arrays and not Python numbers: one compiled program serves all of them.
        place = (np.int32(block.begin), np.int32(first))
        return function(block.shared, block.y, block.rows, place, *counts)

    def advance(
        self,
        states: LaneState,
        lanes: Lane,
        batches: dict[str, jax.Array],
        factors: np.ndarray,
        first: Any,
        count: Any,
    ) -> LaneState:
        """Updates a chunk of lanes; the old states are given away.

        Args:
            states: the lanes' states.
            lanes: the lanes' inputs.
            batches: those of a dispatch, as `gather` returns them.
            factors: of the learning rate, [steps, W].
            first: the first update of the dispatch to make.
            count: how many updates to make.
        """
        step = compiled_updates(self.backend, self.program, len(factors))
        inputs = {**batches, "factor": self.backend.repeat(np.swapaxes(factors, 0, 1))}
        return step(states, lanes, inputs, first, count)

    def evaluated(self, states: LaneState, lanes: Lane) -> Variables:
        """What evaluation uses of each lane; the states' own arrays where nothing is to be worked
        out."""
        if not self.program.projects_mean:
            return states.evaluated
        static = (self.program,)
        return compiled(self.backend, update.evaluated_variables, static, (0, 0))(states, lanes)

    def statistics(
        self, states: LaneState, lanes: Lane, batches: dict[str, jax.Array], steps: int, count: int
    ) -> Any:
        """The sums of batch norm's statistics over the first batches of a dispatch, [W, ...].

        Args:
            states: the lanes' states.
            lanes: the lanes' inputs.
            batches: those of a dispatch, as `gather` returns them.
            steps: how many a dispatch has.
            count: how many of them count.
        """
        sums = compiled_statistics(self.backend, self.program, steps)
        return sums(states, lanes, batches, np.int32(count))

    def averages(self, lanes: Lane, steps: np.ndarray) -> jax.Array:
        """Whether each lane's evaluated parameters are an average after so many steps, [W]; see
        `norm_statistics.is_average`.

        steps: [W].
        """
        static = (self.program,)
        function = compiled(self.backend, norm_statistics.is_average, static, (0, 0))
        counts = self.backend.repeat(steps.astype(np.int32))
        return cast(jax.Array, function(lanes, counts))

    def put_statistics(self, states: LaneState, lanes: Lane, total: Any, batches: int) -> LaneState:
        """See `norm_statistics.put`; the old states are given away.

        Args:
            states: the lanes' states.
            lanes: the lanes' inputs.
            total: the sum over all batches, [W, ...].
            batches: how many.
        """
        static = (self.program,)
        put = compiled(self.backend, norm_statistics.put, static, (0, 0, 0, None), (0,))
        return put(states, lanes, total, np.float32(batches))

    @property
    def compiled_evaluate(self) -> Any:
        """`lane_functions.evaluate`."""
        static = (self.program, self.backend.shard)
        return compiled(self.backend, lane_functions.evaluate, static, (0, 0, None, 0, 0))

    def evaluate(
        self, variables: Variables, lanes: Lane, x: jax.Array, rows: jax.Array, y: Any = None
    ) -> dict[str, jax.Array]:
        """What `evaluate_examples` returns for rows of each lane, leaves [W, E, ...].

        Args:
            variables: the lanes' variables.
            lanes: the lanes' inputs.
            x: raw inputs, [N, ...], shared.
            rows: each lane's rows of x, [W, E].
            y: their labels, [W, E, ...], where they are read.
        """
        return self.compiled_evaluate(variables, lanes, x, rows, y)

    def close_epoch(
        self, states: LaneState, lanes: Lane, evaluated: dict[str, jax.Array], y: jax.Array
    ) -> tuple[LaneState, dict[str, Any]]:
        """Ends an epoch of a chunk; the old states are given away.

        Args:
            states: the lanes' states.
            lanes: the lanes' inputs.
            evaluated: `evaluate` of the validation rows, or empty.
            y: their labels, [W, V, ...].

        Returns:
            The states with stopping, plateau and sums moved on, and the curves' row, {name: [W]}.
        """
        function = compiled(self.backend, end_epoch, (self.program,), (0, 0, 0, 0), (0,))
        return function(states, lanes, evaluated, y)
