"""Subjects: entries at their test options, each with small generated data to try it on."""

import dataclasses
import functools
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np

from research.data import in_memory
from research.data.features.named_arrays import take
from research.data.in_memory import InMemorySource, made_up
from research.errors import UserError
from research.options import format_value
from research.registry import (
    ACTIVATIONS,
    ARCHITECTURES,
    DATASETS,
    OPTIMIZERS,
    REGULARIZERS,
    SCHEDULES,
    TASKS,
    Entry,
    Environment,
    Loss,
    Metric,
    Objective,
)
from research.run_config import FITTED_SETTINGS
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.training.setup.compatibility import as_taken
from research.training.setup.host import is_host_estimator
from research.training.setup.lane_inputs import abstract_lane
from research.training.setup.validate import seen
from research.training.step import objective

# 40 training rows make 5 updates an epoch.
BATCH = 8
SETTINGS = {
    "split": "4:1:1",
    "split_seed": 0,
    "batch_size": BATCH,
    "epochs": 2,
    "optimizer": "adam",
    "learning_rate": 0.05,
}
IN_ENVIRONMENTS = {
    **{name: value for name, value in SETTINGS.items() if not name.startswith("split")},
    "updates_per_epoch": 5,
}
NETWORK = {"arch": "mlp", "arch.hidden": (8, 8)}


@dataclasses.dataclass(frozen=True, eq=False)  # what is worked out for one is kept by it
class Subject:
    """Settings, and the data that they are tried on."""

    settings: Mapping[str, Any]
    data: InMemorySource
    # Runs by their changes: many checks ask for the same, and planning traces the network.
    _runs: dict[str, PlannedRun] = dataclasses.field(default_factory=dict, repr=False)

    def run(self, **changes: Any) -> PlannedRun:
        """A run of the settings with these changes. Raises UserError if they cannot be."""
        name = repr(sorted(changes.items()))
        if name not in self._runs:
            self._runs[name] = self._planned({**self.settings, **changes})
        return self._runs[name]

    def _planned(self, settings: Mapping[str, Any]) -> PlannedRun:
        planner = Planner(lambda config: self.data)
        if is_host_estimator(settings.get("arch", "")):
            base = {name: SETTINGS[name] for name in SETTINGS if name in FITTED_SETTINGS}
            return planner.runs([{**base, **settings}])[0]
        base = IN_ENVIRONMENTS if self.data.spec.inputs.collected else SETTINGS
        settings = {**base, **settings}
        (run,) = planner.runs([settings])
        rounds = run.program.game.rounds
        if rounds == 1:
            return run
        # As many steps per epoch, whatever a step reads.
        return planner.runs([{**settings, "batch_size": max(1, BATCH // rounds)}])[0]


def subject(**settings: Any) -> Subject:
    """The settings on the first of the made-up data sets that they can be trained on. Raises
    UserError if on none.

    Each is tried for its own task, and then for those that any data will do for.
    """
    tasks = ({}, *({"task": task.name, "scaling": "none"} for task in TASKS if task.sees))
    return _first(Subject({**more, **settings}, data) for more in tasks for data in made_up())


def _first(subjects: Iterable[Subject]) -> Subject:
    """The first that can be trained. Raises what is wrong with the very first if none can be."""
    errors = []
    for candidate in subjects:
        try:
            _check_fits(candidate)
            _encoded(candidate)
        except UserError as error:
            errors.append(error)
        else:
            return candidate
    raise errors[0]


def _check_fits(case: Subject) -> None:
    """Raises ShapeError if the architecture does not take the data.

    Planning would raise it too, after looking for the architectures that do: that takes seconds.
    """
    if arch := case.settings.get("arch"):
        spec = case.data.spec
        as_taken(seen(spec, case.settings.get("task", spec.task)), ARCHITECTURES.get(arch))


def _encoded(case: Subject) -> None:
    """Raises UserError if it cannot be trained, or if what its task makes of the labels is not the
    loss's target."""
    run, y = case.run(), take(case.data.data.y, slice(2))
    with run.program.precision_context():
        if not run.program.spec.targets.unlabelled:
            jax.eval_shape(
                functools.partial(objective.loss_targets, run.program),
                abstract_lane(run.config, run.program),
                y,
            )


def _tiny(name: str) -> dict[str, Any]:
    """An architecture at its test options."""
    return {
        "arch": name,
        **{
            f"arch.{option}": value
            for option, value in ARCHITECTURES.get(name).test_options.items()
        },
    }


def architecture(name: str, **settings: Any) -> Subject:
    """An architecture at its test options, on the data set of its `test_settings` if they name
    one."""
    entry = ARCHITECTURES.get(name)
    chosen = {**entry.test_settings, **_tiny(name), **settings}
    if "dataset" in chosen:
        return Subject(chosen, dataset(DATASETS.get(chosen["dataset"])).data)
    return subject(**chosen)


def part(kind: str, entry: Entry) -> Subject:
    """An entry at its test options, in a small network. Raises UserError on a kind that has no
    battery."""
    if kind == ARCHITECTURES.kind:
        return architecture(entry.name)
    tiny = dict(entry.test_options)
    if kind == OPTIMIZERS.kind:
        return subject(
            **NETWORK,
            optimizer=entry.name,
            **{f"optimizer.{name}": value for name, value in tiny.items()},
        )
    if kind == REGULARIZERS.kind:
        options = ",".join(f"{name}={format_value(value)}" for name, value in tiny.items())
        return subject(
            **NETWORK, regularization=f"{entry.name}({options})" if options else entry.name
        )
    if isinstance(entry, Loss):
        return measured(entry.tasks[0], loss=entry.name)
    if isinstance(entry, Metric):
        return measured(entry.tasks[0], metrics=(entry.name,))
    if kind == ACTIVATIONS.kind:
        return subject(**NETWORK, **{"arch.activation": entry.name})
    if isinstance(entry, Objective):
        chosen = {f"objective.{option}": value for option, value in tiny.items()}
        if "dataset" in entry.test_settings:
            world = dataset(DATASETS.get(entry.test_settings["dataset"]))
            settings = {**world.settings, **entry.test_settings, **chosen}
            return Subject({**settings, "objective": entry.name}, world.data)
        base = {} if "arch" in entry.test_settings else NETWORK
        return subject(**{**base, **entry.test_settings, **chosen, "objective": entry.name})
    if kind == SCHEDULES.kind:
        return subject(
            **NETWORK,
            schedule=entry.name,
            **{f"schedule.{name}": value for name, value in tiny.items()},
        )
    if kind == TASKS.kind:
        return measured(entry.name) if entry.test_settings else subject(**NETWORK, task=entry.name)
    if kind == DATASETS.kind:
        return dataset(entry)
    raise UserError(f"there are no tests for a {kind} ({entry.name})")


def measured(task: str, **settings: Any) -> Subject:
    """The settings in the first of some small networks that answers a task of made-up data, its
    loss the task's own."""
    if chosen := TASKS.get(task).test_settings:
        case = dataset(DATASETS.get(chosen["dataset"]))
        return Subject({**case.settings, "task": task, **settings}, case.data)
    text = in_memory.text()
    spoken = dataclasses.replace(text.spec, task=task)
    more = (
        [InMemorySource(spoken, text.data)]
        if task in ("language_model", "sequence_to_sequence")
        else []
    )
    return _first(
        Subject({**_tiny(arch), "task": task, "scaling": "none", **settings}, data)
        for data in (*more, *made_up())
        for arch in ("mlp", "gru", "fcn")
    )


def dataset(entry: Entry) -> Subject:
    """A data set of its own at its test options, in the first small network that can be trained on
    it."""
    if isinstance(entry, Environment):
        options = {option.name: option.default for option in entry.options}
        options |= entry.test_options
        world = entry.build(**options, data_dir=None, cache_dir="")
        named = {f"dataset.{name}": value for name, value in options.items()}
        settings = {"dataset": entry.name, **named, **entry.test_settings}
        return Subject(settings, InMemorySource(world.spec, world.arrays()))
    with tempfile.TemporaryDirectory() as folder:
        source = entry.build(**entry.test_options, data_dir=None, cache_dir=folder)
        data = InMemorySource(source.spec, jax.tree.map(np.array, source.arrays()))
    # Networks that take several inputs by name, for data that has them.
    several = [arch.name for arch in ARCHITECTURES if isinstance(arch.takes, Mapping)]
    return _first(Subject(_tiny(arch), data) for arch in ("mlp", "gru", "fcn", *several))
