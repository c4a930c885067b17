"""The way of a pack: the stored one of its program and kind of device, else one that is chosen now
and stored."""

import dataclasses
import math

import jax

from research.sweeps.job import Job
from research.sweeps.plan import Pack
from research.sweeps.provenance import device_kind
from research.training import memory, ways
from research.training.way import Way


def way_of(pack: Pack, job: Job, lanes: int) -> Way:
    """The pack's own way, or its program's on this kind of device: the stored one, else chosen now
    and stored.

    lanes: how many runs of the program the whole sweep has. Raises Stopped if that is asked for
        between two timings.
    """
    if pack.way is not None:
        return pack.way
    name = way_name(pack, job, lanes)
    stored = job.store.read_json("ways", name)
    if stored is None:
        config, configs = pack.runs[0].config, [run.config for run in pack.runs]
        if job.execution.replicas > 1:
            chosen: tuple[Way, dict[str, float]] = (
                ways.spread(pack.program, config, job.execution.replicas),
                {},
            )
        else:
            arrays, held = job.arrays_of(pack.runs[0]), job.execution.memory

            def widest(way: Way) -> int:
                return memory.widest(
                    pack.program, config, arrays, way, job.limit() / job.abreast, held
                )

            def timed(way: Way) -> float:
                job.go_on()
                try:
                    return job.timer(pack.program, configs, arrays, way, held)
                except jax.errors.JaxRuntimeError as error:
                    if not memory.ran_out(error):
                        raise
                    return math.inf

            chosen = ways.choose(pack.program, config, lanes, timed, widest)
        value = {"way": dataclasses.asdict(chosen[0]), "seconds_per_lane_step": chosen[1]}
        # Another process may have been first: its way is the program's.
        stored = job.store.keep_json("ways", name, value)
    return Way(**stored["way"])


def way_name(pack: Pack, job: Job, lanes: int) -> str:
    """A run alone, a sweep's lanes and a run over several devices have a way each, so that none
    slows another.

    Whether it is a sweep goes by all its lanes, done ones included, so that a resumed sweep keeps
    its way.
    """
    replicas = job.execution.replicas
    kind = f"{replicas}devices" if replicas > 1 else "one" if lanes == 1 else "many"
    return f"{pack.program.id}.{device_kind()}.{kind}"
