"""The loop: a pack of runs, from its inputs (or a snapshot) to its outcomes."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest

import jax
import numpy as np

from research.config import RunConfig
from research.data.spec import Arrays
from research.tasks.problem import Problem
from research.training.apply.final_metrics import final_metrics, overflow_message
from research.training.checkpoint import snapshot as snapshot_lib
from research.training.checkpoint.best_and_last import BestAndLast
from research.training.checkpoint.snapshot import Snapshot
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import chunk_evaluation
from research.training.engine import epoch as epoch_lib
from research.training.engine.chunk import ALL_ON_DEVICE, Chunk, StreamingPolicy
from research.training.setup.program import Program
from research.training.setup.warm_start import InitialWeights


@dataclasses.dataclass(frozen=True)
class EpochProgress:
    """How far a pack is: epochs done of all, and lanes that still train.

    curves: of each run so far, by name, one value an epoch; made when it is called. latest: of each
        run its metrics of the epoch, by name, {} of one that did not train in it to its end; made
        when it is called.
    """

    epoch: int
    epochs: int
    live: int
    lanes: int
    curves: Callable[[], list[dict[str, list[float]]]]
    latest: Callable[[], list[dict[str, float]]] = list


@dataclasses.dataclass(frozen=True)
class Boundary:
    """Between two pieces of dispatches, every run having `step` updates behind it.

    wait: until the devices have done what was dispatched. snapshot: of the pack as it is here.
    """

    step: int
    wait: Callable[[], None]
    snapshot: Callable[[], Snapshot]


Report = Callable[[EpochProgress], None]
AtBoundary = Callable[[Boundary], None]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of one lane; the run's record without its names.

    cause: why it diverged, where more is known than that a loss or an update was not finite.
    best_and_last: its variables, where they are to be kept.
    """

    metrics: dict[str, float]
    curves: dict[str, list[float]]
    checksums: list[str]
    steps: int
    diverged_at: int | None
    cause: str = ""
    best_and_last: BestAndLast | None = None


def train(
    program: Program,
    configs: Sequence[RunConfig],
    arrays: Arrays,
    strategy: ExecutionStrategy,
    report: Report = lambda progress: None,
    at_boundary: AtBoundary = lambda boundary: None,
    resume: Snapshot | None = None,
    memory: StreamingPolicy = ALL_ON_DEVICE,
    epochs: int | None = None,
    origins: Sequence[InitialWeights | None] = (),
    keep: bool = False,
) -> list[Outcome]:
    """Trains runs of one program, each as a lane, and returns their outcomes in order.

    Args:
        program: what the runs have in common.
        configs: the config of each run.
        arrays: the data.
        strategy: how the lanes are spread over chunks, dispatches and devices.
        report: called after each epoch.
        at_boundary: called between pieces of dispatches; may raise to stop.
        resume: a snapshot of these runs to go on from. With the same strategy the outcomes are bit
            for bit those of a training that was never stopped.
        memory: when inputs are streamed from the host.
        epochs: stop after so many.
        origins: for each run with `init_from`, the variables that it starts from.
        keep: whether the outcomes hold the best and last variables.

    Raises:
        ValueError: a run has `init_from` and no origin.
    """
    missing = [
        config.init_from
        for config, origin in zip_longest(configs, origins)
        if config.init_from and not origin
    ]
    if missing:
        raise ValueError(f"a run starts from {missing[0]}, and was given none of its parameters")
    with program.precision_context():
        chunks = chunk_lib.start(program, configs, arrays, strategy, resume, memory, origins, keep)
        per_epoch = program.sizes.steps_per_epoch
        epochs = min(epochs or program.config.epochs, program.config.epochs)
        done, first = divmod(resume.step if resume else 0, per_epoch)
        pace = epoch_lib.adaptive_dispatch(program, strategy)
        for epoch in range(done, epochs):
            # A chunk is dropped as a whole: its lanes share one program, so a single run that still
            # trains keeps all of them computing.
            live = [chunk for chunk in chunks if chunk.training.any()]
            if not live:
                break
            before = epoch * per_epoch

            # Bound as a default: the closure must not see the next epoch's value.
            def after(step: int, before: int = before) -> None:
                at_boundary(_boundary(before + step, chunks))

            epoch_lib.run_epoch(program, live, strategy, epoch, first, after, pace)
            first = 0
            training = sum(int(chunk.training.sum()) for chunk in chunks)
            so_far = functools.partial(_every_curve, program, chunks)
            latest = functools.partial(_latest, program, chunks, epoch + 1)
            report(EpochProgress(epoch + 1, epochs, training, len(configs), so_far, latest))
            at_boundary(_boundary(before + per_epoch, chunks))
        return [outcome for chunk in chunks for outcome in outcomes(program, chunk)]


def _boundary(step: int, chunks: list[Chunk]) -> Boundary:
    def wait() -> None:
        jax.block_until_ready([chunk.state for chunk in chunks])

    return Boundary(step, wait, lambda: snapshot_lib.take(step, chunks))


def outcomes(program: Program, chunk: Chunk, lanes: Sequence[int] | None = None) -> list[Outcome]:
    """The outcomes of a chunk's runs as they are now, in the order of their lanes.

    To be called inside `program.precision_context()`.

    Args:
        program: what the lanes have in common.
        chunk: the chunk.
        lanes: the indices of the runs' lanes; None for all runs.
    """
    state = chunk.state
    variables = (
        state.best if program.has_stopping else chunk.functions.evaluated(state, chunk.lanes)
    )
    evaluated: dict[str, dict[str, np.ndarray]] = {}
    for name in ("train", "validation", "test"):
        rows = getattr(chunk.lanes, name)
        if rows.shape[1]:
            evaluated[name] = jax.device_get(
                chunk_evaluation.evaluate(program, chunk, variables, rows)
            )
    rows = jax.device_get({name: getattr(chunk.lanes, name) for name in evaluated})
    best_and_last = jax.device_get(chunk.best_and_last)
    causes = _unwatched(program, chunk)
    results = []
    for lane in range(len(chunk.members)) if lanes is None else lanes:
        there = {name: rows[name][lane] >= 0 for name in evaluated}
        of_lane = {
            name: {key: values[lane][there[name]] for key, values in split.items()}
            for name, split in evaluated.items()
        }
        labels: dict[str, np.ndarray] = {}
        if program.problem.summary:
            # Final metrics compare with the labels before `label_noise`.
            labels = {name: chunk.clean[rows[name][lane][there[name]]] for name in of_lane}
        cause = causes[lane] or overflow_message(program, of_lane)
        outcome = _outcome(program, chunk, lane, of_lane, labels, cause)
        # Copied, since a view would keep the arrays of the whole chunk in memory.
        variables_of_lane = jax.tree.map(lambda leaf, i=lane: np.array(leaf[i]), best_and_last)
        results.append(dataclasses.replace(outcome, best_and_last=variables_of_lane))
    return results


def _outcome(
    program: Program,
    chunk: Chunk,
    lane: int,
    evaluated: dict[str, dict[str, np.ndarray]],
    labels: dict[str, np.ndarray],
    cause: str,
) -> Outcome:
    """The outcome of one run, without its variables.

    Args:
        program: what the lanes have in common.
        chunk: the run's chunk.
        lane: the index of its lane.
        evaluated: by split, what `evaluate_examples` returned for its rows.
        labels: by split, the labels of these rows.
        cause: why it counts as diverged although its training ended, or "".
    """
    last = chunk.rows[-1]
    epochs = int(last["epochs"][lane])
    diverged = int(last["diverged_at"][lane])
    metrics: dict[str, float] = {}
    steps = epochs * program.sizes.steps_per_epoch
    if diverged >= 0:
        cause = ""
    elif cause:
        # Such a cause shows only after training, so the run diverged at its last update.
        diverged = steps - 1
    else:
        for name, of_split in evaluated.items():
            summary = final_metrics(program.problem, of_split, labels.get(name))
            metrics |= {f"{name}/{metric}": value for metric, value in summary.items()}
    return Outcome(
        metrics=metrics,
        curves=_curves(program, chunk, lane),
        checksums=["{:08x}{:08x}".format(*row["checksum"][lane]) for row in _rows(chunk, lane)],
        steps=steps if diverged < 0 else diverged,
        diverged_at=None if diverged < 0 else diverged,
        cause=cause,
    )


def _unwatched(program: Program, chunk: Chunk) -> list[str]:
    """Per lane, why it counts as diverged if the validation loss that steers it was never finite,
    else ""."""
    stopping = [part.name for part in program.members("stopping")]
    best, patience = jax.device_get((chunk.state.plateau.best, chunk.lanes.plateau["patience"]))
    causes = []
    for lowest, lane_patience in zip(best, patience, strict=True):
        # An infinite patience is that of a schedule without feedback.
        steering = stopping + ["reduce_on_plateau"] * bool(np.isfinite(lane_patience))
        cause = (
            f"{' and '.join(steering)} reads the validation loss, which was not finite after any"
            " epoch"
        )
        causes.append(cause if steering and not np.isfinite(lowest) else "")
    return causes


def _rows(chunk: Chunk, lane: int) -> list[dict[str, np.ndarray]]:
    """The epochs of one of a chunk's runs, all lanes side by side."""
    first = chunk.first_epoch[lane]
    return chunk.rows[first : first + int(chunk.rows[-1]["epochs"][lane])]


def _curves(program: Program, chunk: Chunk, lane: int) -> dict[str, list[float]]:
    """The curves of one of a chunk's runs, by name."""
    rows = _rows(chunk, lane)
    names = [name for name in chunk.rows[0] if "/" in name]
    return complete_curves(
        program.problem, {name: [float(row[name][lane]) for row in rows] for name in names}
    )


def _every_curve(program: Program, chunks: Sequence[Chunk]) -> list[dict[str, list[float]]]:
    """The curves of every run of a pack, in order."""
    return [_curves(program, chunk, lane) for chunk in chunks for lane in range(len(chunk.members))]


def _latest(program: Program, chunks: Sequence[Chunk], epoch: int) -> list[dict[str, float]]:
    """The metrics of every run of a pack, in order, in the latest epoch, which has this number."""
    metrics: list[dict[str, float]] = []
    for chunk in chunks:
        row = chunk.rows[-1]
        for lane in range(len(chunk.members)):
            trained = int(row["epochs"][lane]) == epoch
            metrics.append(row_metrics(program, row, lane) if trained else {})
    return metrics


def row_metrics(program: Program, row: Mapping[str, np.ndarray], lane: int) -> dict[str, float]:
    """The metrics of one lane in an epoch's row.

    Args:
        program: the lanes' program.
        row: the curves' values, [W] by name.
        lane: the lane's index.
    """
    curves = complete_curves(
        program.problem, {name: [float(row[name][lane])] for name in row if "/" in name}
    )
    return {name: value for name, (value,) in curves.items()}


def complete_curves(problem: Problem, curves: dict[str, list[float]]) -> dict[str, list[float]]:
    """The curves with each epoch's metrics completed as the final ones are."""
    complete: dict[str, list[float]] = {}
    for split in dict.fromkeys(name.partition("/")[0] for name in curves):
        of_split = {
            name.partition("/")[2]: values
            for name, values in curves.items()
            if name.startswith(f"{split}/")
        }
        epochs = zip(*of_split.values(), strict=True)
        rows = [problem.finish(dict(zip(of_split, epoch, strict=True))) for epoch in epochs]
        # A run without an epoch has empty curves under the unfinished names.
        names = rows[0] if rows else of_split
        complete |= {f"{split}/{name}": [row[name] for row in rows] for name in names}
    return complete
