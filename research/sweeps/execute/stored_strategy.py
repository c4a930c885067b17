"""The execution strategy of a pack: a stored one, or a new one that is chosen and stored."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import jax
import numpy as np

from research.sweeps.execute.execution_context import ExecutionContext
from research.sweeps.plan.run_plan import Pack
from research.sweeps.records.provenance import device_kind
from research.training.devices import device_memory, strategy_choice
from research.training.devices.strategy import ExecutionStrategy
from research.training.setup.program import Program

# A run is fitted alone: one that ends the process then takes no other with it.
ONE_FIT = ExecutionStrategy(width=1, steps=1)
# Fits that are lanes of one program: so many at once, and no more than so many bytes of rows.
MOST_FITS = 64
MOST_BYTES = 1 << 30


def strategy_for(pack: Pack, context: ExecutionContext, lanes: int) -> ExecutionStrategy:
    """The pack's recorded strategy, or the one that is stored for its program and kind of device.

    Where none is stored, one is chosen and stored.

    Args:
        pack: the runs that are about to train.
        context: what they train in: the store, the data and the timer.
        lanes: how many runs of the program the whole sweep has.

    Raises:
        Stopped: the user asked to stop between two timings.
    """
    if pack.strategy is not None:
        return pack.strategy
    if pack.program.fitted:
        return _of_fits(pack.program)
    name = strategy_key(pack, context, lanes)
    # Timings differ from one time to the next. A stored strategy lets every process, and a sweep
    # that is resumed, train chunks of the same width, and so the same bits.
    stored = context.store.read_json("ways", name)
    if stored is None:
        config, configs = pack.runs[0].config, [run.config for run in pack.runs]
        if context.execution.replicas > 1:
            chosen: tuple[ExecutionStrategy, dict[str, float]] = (
                strategy_choice.data_parallel(pack.program, config, context.execution.replicas),
                {},
            )
        else:
            arrays, memory = context.arrays_of(pack.runs[0]), context.execution.memory

            def max_lanes(strategy: ExecutionStrategy) -> int:
                return device_memory.max_lanes(
                    pack.program,
                    config,
                    arrays,
                    strategy,
                    # Packs that are under way at once share the memory.
                    context.limit() / context.abreast,
                    memory,
                )

            def timed(strategy: ExecutionStrategy) -> float:
                context.go_on()
                try:
                    return context.timer(pack.program, configs, arrays, strategy, memory)
                except jax.errors.JaxRuntimeError as error:
                    if not device_memory.ran_out(error):
                        raise
                    # What does not fit is slower than all that does.
                    return math.inf

            chosen = strategy_choice.choose_strategy(pack.program, config, lanes, timed, max_lanes)
        value = stored_form(*chosen)
        # Another process may have stored one first; that one is the program's.
        stored = context.store.keep_json("ways", name, value)
    return ExecutionStrategy.from_json(stored["way"])


def stored_form(
    strategy: ExecutionStrategy, timings: Mapping[str, float] = MappingProxyType({})
) -> dict[str, Any]:
    """The content of a strategy's file in the store. timings: seconds per lane and step, by
    strategy."""
    return {"way": strategy.to_json(), "seconds_per_lane_step": dict(timings)}


def strategy_key(pack: Pack, context: ExecutionContext, lanes: int) -> str:
    """The name under which a pack's strategy is stored.

    A single run, a sweep and a run over several devices each have a strategy of their own, so that
    none
    slows another. Finished lanes count too, so that a resumed sweep keeps its strategy.

    Args:
        pack: the runs that are about to train.
        context: what they train in.
        lanes: how many runs of the program the whole sweep has.
    """
    replicas = context.execution.replicas
    kind = f"{replicas}devices" if replicas > 1 else "one" if lanes == 1 else "many"
    return f"{pack.program.id}.{device_kind()}.{kind}"


def _of_fits(program: Program) -> ExecutionStrategy:
    """How many runs of a program are fitted at once."""
    if program.fits_together is None:
        return ONE_FIT
    # float64, as fits on the host compute.
    row = 8 * int(np.prod(program.spec.inputs.shape))
    fits = MOST_BYTES // (row * max(1, program.sizes.train))
    return ExecutionStrategy(width=max(1, min(MOST_FITS, fits)), steps=1)
