"""The search: trials asked for in rounds, each round trained together, its results reported
in the order of the trials.

A round is asked for when all results before it are reported, so the trials are a function of the
sampler and the results alone.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

from optuna.study import Study
from optuna.trial import Trial, TrialState

from research.sweeps.declare.sweep_axes import Axis, Point
from research.sweeps.tuning import space
from research.sweeps.tuning import study as study_lib


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of a trial. value: None where it has none. outcome: the word for that. run: its
    run's id.

    note: why there is no value.
    """

    value: float | None
    outcome: str = "finished"
    run: str = ""
    note: str = ""


Evaluate = Callable[[Sequence[Point]], Sequence[Result]]


def search(
    study: Study, axes: Sequence[Axis], trials: int, parallel: int, evaluate: Evaluate
) -> None:
    """Asks for trials in rounds, trains each round together, and reports the results.

    An interrupted search continues: trials without a result are evaluated again, with the values
    that they have.

    Args:
        study: receives the trials.
        axes: the space.
        trials: how many there are in all.
        parallel: how many a round has.
        evaluate: the results of a round's points, in their order.
    """
    while True:
        asked = len(study.get_trials(deepcopy=False))
        waiting = study_lib.running(study)
        # An interrupted round is filled up to its size only: rounds do not depend on interruptions.
        first = waiting[0].number if waiting else asked
        last = min((first // parallel + 1) * parallel, trials)
        waiting += [study.ask() for _ in range(asked, last)]
        if not waiting:
            return
        points = [space.suggested(trial, axes) for trial in waiting]
        for trial, result in zip(waiting, evaluate(points), strict=True):
            tell(study, trial, result)


def tell(study: Study, trial: Trial, result: Result) -> None:
    """Reports a trial's result. A diverged trial gets the worst possible value and breaks a
    constraint,
    so that a sampler ranks it below the pruned trials, too.

    Args:
        study: the trial's study.
        trial: a trial that is under way.
        result: its result.
    """
    if result.run:
        trial.set_user_attr("run", result.run)
    if result.outcome != "finished":
        trial.set_user_attr("outcome", result.outcome)
    if result.note:
        trial.set_user_attr("note", result.note)
    if result.value is None:
        study.tell(trial, state=TrialState.FAIL)
        return
    if not math.isfinite(result.value) and not trial.constraints:
        trial.set_constraint("diverged", 1.0)
    # Optuna takes a NaN for a failure, from which samplers learn nothing.
    worst = -math.inf if study.direction.name == "MAXIMIZE" else math.inf
    study.tell(trial, result.value if math.isfinite(result.value) else worst)
