"""The study: a tuning's trials in one space, kept in its journal."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from research.errors import UserError
from research.sweeps.tuning import earlier_trials, journal
from research.sweeps.tuning.journal import DEFINITION, Studied


def study(
    storage: BaseStorage | None,
    name: str,
    better: str,
    definition: Mapping[str, Any],
    sampler: BaseSampler,
    pruner: BasePruner | None = None,
    entering: Callable[[Sequence[Studied]], Sequence[FrozenTrial]] = lambda earlier: (),
) -> Study:
    """The study of that name and definition, made if there is none.

    A study of another space is called `NAME, space 2`. The earlier studies stay, for the commands
    that made them.

    Args:
        storage: the journal; None: in memory.
        name: the tuning's name.
        better: `higher` or `lower` values.
        definition: what the trials are a function of.
        sampler: where new trials come from.
        pruner: whether a trial goes on.
        entering: the trials with which a new study begins, given the earlier ones of the name.

    Raises:
        UserError: the name has a study of something else.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # As the journal gives it back, with lists for tuples, so that the two compare equal.
    wanted = json.loads(json.dumps(definition))
    earlier = _earlier(storage, name) if storage is not None else []
    for each in earlier:
        if each.definition == wanted and each.better == better:
            assert storage is not None
            return optuna.load_study(
                study_name=each.name, storage=storage, sampler=sampler, pruner=pruner
            )
    for each in earlier[-1:]:
        _refuse_other(name, each, wanted, better)
    created = optuna.create_study(
        study_name=f"{name}, space {len(earlier) + 1}" if earlier else name,
        storage=storage,
        direction="maximize" if better == "higher" else "minimize",
        sampler=sampler,
        pruner=pruner,
    )
    if earlier:
        created.add_trials(entering(earlier))
    # Set last: a study without it was not created completely.
    created.set_user_attr(DEFINITION, wanted)
    return created


def _earlier(storage: BaseStorage, name: str) -> list[Studied]:
    """The studies of a name; what is left of one that a killed process was making is removed."""
    called = re.compile(re.escape(name) + r"(, space \d+)?")
    every = [each for each in journal.studies(storage) if called.fullmatch(each.name)]
    for each in every:
        if each.definition is None:
            optuna.delete_study(study_name=each.name, storage=storage)
    return [each for each in every if each.definition is not None]


def _refuse_other(name: str, earlier: Studied, wanted: Mapping[str, Any], better: str) -> None:
    """Raises UserError if an earlier study's trials say nothing of the wanted one."""
    before = earlier.definition or {}
    differ = earlier_trials.differences(before, wanted)
    if differ or earlier.better != better:
        words = "; ".join(
            f"{key} was {_shown(before.get(key))} and is {_shown(wanted.get(key))}"
            for key in differ
        )
        raise UserError(f"'{name}' is a tuning of something else: {words}; give another --name")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={item}" for key, item in value.items()) or "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def running(study: Study) -> list[Trial]:
    """The trials that were asked for and have no result yet, by number: a killed process left
    them."""
    frozen = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return [Trial(study, trial._trial_id) for trial in frozen]


def frozen(study: Study, trial: Trial) -> FrozenTrial:
    """A trial as the journal has it."""
    return study.get_trials(deepcopy=False)[trial.number]
