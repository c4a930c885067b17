"""The pruned search: trials that train as lanes are compared at rungs, and a pruned one frees its
lane.

At most `parallel` trials are under way. After every epoch of a program, the trials that are over or
pruned are reported in the order of their numbers, then as many new ones are asked for. A trial
waits until its program has a free place. The program whose places are fullest trains the next
epoch. So the same command gives the same trials.
"""

import dataclasses
import time
import traceback
from collections.abc import Callable, Sequence
from fractions import Fraction

from optuna.study import Study
from optuna.trial import Trial, TrialState

from research.errors import Stopped, UserError
from research.sweeps.declare.sweep_axes import Axis, Point
from research.sweeps.execute import stored_strategy, trainer
from research.sweeps.execute.execution_context import ExecutionContext
from research.sweeps.execute.observer import Ended
from research.sweeps.plan.run_plan import Pack, PlannedRun
from research.sweeps.records.provenance import provenance
from research.sweeps.records.record import Record
from research.sweeps.tuning import space
from research.sweeps.tuning import study as study_lib
from research.sweeps.tuning.goal import not_prunable
from research.sweeps.tuning.search import Result, tell
from research.training.devices import device_memory
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine.lane_pool import Candidate, LanePool, LaneStatus
from research.training.engine.outcomes import Outcome
from research.training.setup.lane_inputs import footprint

# Epochs of lanes that were a trial's and that were computed, among the attributes of the study.
LANES = "lanes"


@dataclasses.dataclass
class ActiveTrial:
    """A trial under way with its run. seconds: its share of the time that its lanes took. epochs:
    those it trained."""

    trial: Trial
    run: PlannedRun
    seconds: float = 0.0
    epochs: int = 0
    started: float = dataclasses.field(default_factory=time.time)


@dataclasses.dataclass
class PrunedSearch:
    """A race of a study's trials.

    Attributes:
        study: the trials, with their sampler and pruner.
        axes: the space.
        trials: how many trials there are in all.
        parallel: how many may be under way.
        plan: a point's run, or why it has none.
        value: the result that a record gives.
        metric: the curve that is compared.
        rungs: the epochs after which it is compared.
        context: where the runs train, and whom they report to.
    """

    study: Study
    axes: Sequence[Axis]
    trials: int
    parallel: int
    plan: Callable[[Point], PlannedRun | Result]
    value: Callable[[Record], Result]
    metric: str
    rungs: frozenset[int]
    context: ExecutionContext

    def __post_init__(self) -> None:
        self._waiting: list[ActiveTrial] = []
        self._training: dict[str, ActiveTrial] = {}  # by run id
        self._places: dict[str, LanePool] = {}  # by program id
        self._live = self._computed = (
            # Lanes' epochs that belonged to a trial, and all that were computed.
            0
        )

    def run(self) -> None:
        """Until all trials are over. Those of an interrupted race begin again. Raises Stopped if
        that is asked for."""
        try:
            self._run()
        finally:
            before = self.study.user_attrs.get(LANES, [0, 0])
            self.study.set_user_attr(LANES, [before[0] + self._live, before[1] + self._computed])

    def _run(self) -> None:
        # Trials of an interrupted search come first: they count against `parallel`.
        for trial in study_lib.running(self.study):
            self._enter(trial)
        self._ask()
        while self._waiting or self._training:
            self.context.go_on()
            self._epoch(self._busiest_program())
            self._ask()

    def _ask(self) -> None:
        """Asks for trials up to `parallel` under way."""
        while (
            len(self._waiting) + len(self._training) < self.parallel
            and len(self.study.get_trials(deepcopy=False)) < self.trials
        ):
            self._enter(self.study.ask())

    def _enter(self, trial: Trial) -> None:
        """A trial whose run has its record is over at once; another one waits."""
        run = self.plan(space.suggested(trial, self.axes))
        if isinstance(run, Result):
            tell(self.study, trial, run)
        elif run.program.fitted:
            tell(self.study, trial, Result(None, "refused", note=not_prunable(run)))
        elif self.context.done(run.id):
            self._known(trial, run)
        else:
            self._waiting.append(ActiveTrial(trial, run))

    def _known(self, trial: Trial, run: PlannedRun) -> None:
        """Tells of a trial whose run was trained before, as if it had raced."""
        record = self.context.store.find([run.id])[0][run.id]
        self.context.observer.epochs(run.config.epochs)
        curve = record.curves.get(self.metric, [])
        # Its last epoch ended it, and was not compared, unless it diverged in the one after.
        compared = curve if record.status == "diverged" else curve[:-1]
        for epoch, value in enumerate(compared, 1):
            if epoch in self.rungs and self._is_pruned(trial, epoch, value):
                return
        tell(self.study, trial, self.value(record))

    def _is_pruned(self, trial: Trial, epoch: int, value: float) -> bool:
        """Reports a trial's value at a rung; whether it was pruned for it."""
        # A trial that began again after an interruption has reported this rung; its first value
        # stays.
        if epoch not in study_lib.frozen(self.study, trial).intermediate_values:
            trial.report(value, epoch)
        pruned = trial.should_prune()
        if pruned:
            self.study.tell(trial, state=TrialState.PRUNED)
        return pruned

    def _busiest_program(self) -> str:
        """The program that has most of its places taken once waiting trials take the free ones; the
        first of them."""
        programs = {
            active.run.program.id: active for active in (*self._training.values(), *self._waiting)
        }
        for program, active in programs.items():
            if program not in self._places:
                self._places[program] = self._new_pool(active)

        def taken(program: str) -> float:
            there = sum(
                active.run.program.id == program
                for active in (*self._training.values(), *self._waiting)
            )
            return min(there, self._places[program].size) / self._places[program].size

        return max(programs, key=taken)

    def _new_pool(self, active: ActiveTrial) -> LanePool:
        """The places of a program, for those of its trials that wait, or its part of all that are
        under way at once."""
        runs = tuple(
            other.run for other in self._waiting if other.run.program.id == active.run.program.id
        )
        expected = -(-min(self.parallel, self.trials) // (len(self._places) + 1))
        return self._with(
            stored_strategy.strategy_for(
                Pack(active.run.program, runs), self.context, max(len(runs), expected)
            ),
            active.run,
        )

    def _with(self, strategy: ExecutionStrategy, run: PlannedRun) -> LanePool:
        execution = self.context.execution
        return LanePool(
            run.program,
            strategy,
            self.context.arrays_of(run),
            execution.memory,
            execution.keep_params,
            execution.keep_predictions,
        )

    def _epoch(self, program: str) -> None:
        """Fills the places of a program, trains an epoch, and judges. A failure ends the program's
        own trials alone."""
        places = self._places[program]
        shown = Fraction(0)

        def show(done: Fraction) -> None:
            nonlocal shown
            self.context.observer.epochs(done - shown)
            shown = done

        def after(done: Fraction) -> None:
            show(done)
            self.context.go_on()

        try:
            self._fill(program, places)
            began = time.monotonic()
            standings = places.advance(after=after)
            each = (time.monotonic() - began) / max(len(standings), 1)
            outcomes = places.outcomes(
                [run_id for run_id, standing in standings.items() if standing.over]
            )
        except Exception as error:
            # The part of the epoch that was trained is lost.
            show(Fraction(0))
            if isinstance(error, UserError | Stopped):
                raise
            if device_memory.ran_out(error) and places.strategy.width > 1:
                self._narrow(program)
            else:
                self._fail(program)
            return
        for run_id in standings:
            self._training[run_id].seconds += each
            self._training[run_id].epochs += 1
        self.context.ended(
            lambda: [Ended(self._training[i].run, s.epochs, s.values) for i, s in standings.items()]
        )
        show(Fraction(len(standings)))
        self._live += len(standings)
        self._computed += places.computed
        self._judge(places, standings, outcomes)

    def _fill(self, program: str, places: LanePool) -> None:
        """Waiting trials take the free places; one whose run is training already waits for that, or
        has its record."""
        entering: dict[str, ActiveTrial] = {}
        for active in [active for active in self._waiting if active.run.program.id == program]:
            if self.context.done(active.run.id):
                self._waiting.remove(active)
                self._known(active.trial, active.run)
            elif active.run.id not in {*self._training, *entering} and len(
                entering
            ) < places.size - len(places.run_ids):
                entering[active.run.id] = active
        self._waiting = [active for active in self._waiting if active not in entering.values()]
        self._training |= entering
        places.admit(
            [
                Candidate(active.run.id, active.run.config, self.context.origin_of(active.run))
                for active in entering.values()
            ]
        )

    def _judge(
        self,
        places: LanePool,
        standings: dict[str, LaneStatus],
        outcomes: dict[str, Outcome],
    ) -> None:
        """Tells of the trials that are over or pruned, in the order of their numbers, and frees
        their places."""
        for run_id in sorted(standings, key=lambda run_id: self._training[run_id].trial.number):
            active = self._training[run_id]
            standing = standings[run_id]
            if standing.over:
                self._finish(active, outcomes[run_id], places)
            elif standing.epochs not in self.rungs or not self._is_pruned(
                active.trial, standing.epochs, standing.values[self.metric]
            ):
                continue
            places.release([run_id])
            del self._training[run_id]
            self.context.observer.epochs(active.run.config.epochs - active.epochs)

    def _finish(self, active: ActiveTrial, outcome: Outcome, places: LanePool) -> None:
        """Writes the record of a trial that is over, then tells of it."""
        parameters, _ = footprint(active.run.config, active.run.program)
        origin = provenance(
            places.strategy, places.size, active.seconds * places.size, active.started
        )
        record = trainer.recorded(active.run, outcome, parameters, origin)
        self.context.write(record, active.run, outcome.best_and_last, outcome.predictions)
        tell(self.study, active.trial, self.value(record))

    def _narrow(self, program: str) -> None:
        """A program's trials begin again, with half the lanes a chunk."""
        strategy = trainer.narrower(self._places[program].strategy)
        again = [active for active in self._training.values() if active.run.program.id == program]
        self.context.observer.warn(
            f"out of memory: {len(again)} trials begin again with {strategy.width} lanes a chunk"
        )
        for active in again:
            self.context.observer.epochs(-active.epochs)
            active.epochs = 0
            del self._training[active.run.id]
        self._waiting = sorted([*again, *self._waiting], key=lambda active: active.trial.number)
        self._places[program] = self._with(strategy, again[0].run)

    def _fail(self, program: str) -> None:
        """Writes `failed` records, of the exception being handled, for a program's trials, and
        tells of them."""
        ending = [
            active
            for active in (*self._training.values(), *self._waiting)
            if active.run.program.id == program
        ]
        for active in ending:
            record = self.context.fail(active.run, traceback.format_exc())
            if record.status != "failed":
                what = self.context.execution.lacks(self.context.store, record)
                self.context.observer.warn(
                    f"run {active.run.id} has a record but no {what}: training it for them failed"
                )
            tell(self.study, active.trial, self.value(record))
            self.context.observer.epochs(active.run.config.epochs - active.epochs)
        self._waiting = [active for active in self._waiting if active.run.program.id != program]
        self._training = {
            run_id: active
            for run_id, active in self._training.items()
            if active.run.program.id != program
        }
        del self._places[program]
