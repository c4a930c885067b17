"""The checkpoint policy: decides at each boundary of a pack whether to save it, and whether to
stop."""

import dataclasses
import time
from collections.abc import Callable
from typing import NoReturn

import jax

from research.duration import Period
from research.errors import Stopped, UserError
from research.training.checkpoint.checkpoint_writer import CheckpointWriter
from research.training.engine.pack_observer import Boundary
from research.training.setup.program import Program

# Dispatches run ahead of the devices; so often the host waits for them, that a stop is not kept
# waiting by a queue.
ABREAST_SECONDS = 0.5


@dataclasses.dataclass
class CheckpointPolicy:
    """Called between dispatches.

    Attributes:
        program: what trains.
        writer: writes the checkpoints.
        every: how often to save.
        stopping: why to stop, or "".
        warn: reports a checkpoint that could not be written.
        confirm: raises LeaseLost if another process has the runs now.
        done: receives a step that the devices have done, after the host has waited for them.
        step: the step at which this training began; after a save, the step that was saved.
        seconds: training time before this process.
        earlier: other strategies that trained the steps before.
        clock: seconds of a steady clock.
    """

    program: Program
    writer: CheckpointWriter
    every: Period
    stopping: Callable[[], str]
    warn: Callable[[str], None]
    confirm: Callable[[], None] = lambda: None
    done: Callable[[int], None] = lambda step: None
    step: int = 0
    seconds: float = 0.0
    earlier: tuple[str, ...] = ()
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._began = self._saved = self._abreast = self.clock()
        sizes = self.program.sizes
        self._steps = self.every.steps(
            steps_per_epoch=sizes.steps_per_epoch, total_steps=self.program.steps
        )

    def __call__(self, boundary: Boundary) -> None:
        """Saves if it is due. Raises Stopped, after saving, if that is asked for."""
        if reason := self.stopping():
            self._stop(boundary, reason)
        elif self._due(boundary.step):
            try:
                self._save(boundary)
            except UserError as error:
                # Training is worth more than its checkpoint, and the next one may find space.
                self.warn(f"{error}; training goes on")
        elif self.clock() - self._abreast > ABREAST_SECONDS:
            boundary.wait()
            self._abreast = self.clock()
            self.done(boundary.step)

    def _stop(self, boundary: Boundary, reason: str) -> NoReturn:
        """Saves, twice if it must: what could not be written may have been the checkpoint
        before."""
        try:
            try:
                self._save(boundary)
            except UserError:
                self._save(boundary)
            self.writer.finish()
        except UserError as error:
            raise Stopped(f"{reason}, but {error}") from None
        raise Stopped(reason)

    def _due(self, step: int) -> bool:
        if self._steps is None:
            return self.clock() - self._saved >= self.every.seconds
        # A dispatch of several steps may pass over the multiple itself.
        return step // self._steps > self.step // self._steps

    def _save(self, boundary: Boundary) -> None:
        """Saves, in one process: where several train together, each has the whole state. Raises
        UserError."""
        # Noted before the writing: one that fails is tried again after a whole interval, not at
        # once.
        self.step, self._saved, self._abreast = boundary.step, self.clock(), self.clock()
        if jax.process_index() > 0:
            return
        self.confirm()
        snapshot = boundary.snapshot()
        seconds = self.seconds + self.clock() - self._began
        self.writer.save(dataclasses.replace(snapshot, seconds=seconds, earlier=self.earlier))
