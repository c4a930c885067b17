"""The registries: the catalogue that flags, errors, lists and tests range over.

entry_kinds.py defines what an entry of each kind is.
"""

import dataclasses
import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from research.entry_kinds import (
    SITES,
    SLOTS,
    Activation,
    Architecture,
    Callback,
    Ensemble,
    Entry,
    Environment,
    Estimate,
    HostEstimator,
    Loss,
    Metric,
    Objective,
    Optimizer,
    Regularizer,
    Schedule,
    Splitter,
    Task,
)
from research.errors import Unknown, nearest

__all__ = [
    "ACTIVATIONS",
    "ARCHITECTURES",
    "CALLBACKS",
    "DATASETS",
    "ENCODINGS",
    "ENSEMBLES",
    "ESTIMATES",
    "FEATURES",
    "FEATURE_STEPS",
    "LOSSES",
    "METRICS",
    "OBJECTIVES",
    "OPTIMIZERS",
    "REDUCTIONS",
    "REGULARIZERS",
    "SCHEDULES",
    "SELECTIONS",
    "SITES",
    "SLOTS",
    "SPLITTERS",
    "TASKS",
    "Activation",
    "Architecture",
    "Callback",
    "Ensemble",
    "Entry",
    "Environment",
    "Estimate",
    "HasName",
    "HostEstimator",
    "Loss",
    "Metric",
    "Objective",
    "Optimizer",
    "Registry",
    "Regularizer",
    "Schedule",
    "Splitter",
    "Task",
    "load_package",
]


class HasName(Protocol):
    """What a registry holds: anything with a name."""

    @property
    def name(self) -> str:
        """What the entry is called in flags and records."""


E = TypeVar("E", bound=HasName)


@dataclasses.dataclass(frozen=True)
class _Family(Generic[E]):
    """The entries whose names have an argument. See Registry.add_family."""

    resolve: Callable[[str], E]
    parse: Callable[[str], tuple[str, dict[str, Any]]]


def _of_argument(prefix: str, example: Any, name: str) -> Any:
    """The example with the name's argument as the first one of its builder."""
    build = functools.partial(example.build, name.removeprefix(prefix))
    return dataclasses.replace(example, name=name, build=build)


class Registry(Generic[E]):
    """The entries of one kind, by name. A *family* resolves names with an argument, such as
    `csv:FILE`."""

    def __init__(self, kind: str, plural: str) -> None:
        self.kind = kind
        self.plural = plural
        self._entries: dict[str, E] = {}
        self._families: dict[str, _Family[E]] = {}
        self._examples: list[E] = []

    def add(self, entry: E) -> E:
        """Adds an entry. Two entries of one name are a programming error."""
        if entry.name in self._entries:
            raise ValueError(f"the {self.kind} '{entry.name}' is registered twice")
        self._entries[entry.name] = entry
        return entry

    def replace(self, entry: E) -> E:
        """Puts an entry in the place of the one of its name."""
        self._entries[entry.name] = entry
        return entry

    def add_family(
        self,
        prefix: str,
        resolve: Callable[[str], E] | None = None,
        parse: Callable[[str], tuple[str, dict[str, Any]]] = lambda text: (text, {}),
        example: E | None = None,
    ) -> None:
        """Adds all names that start with a prefix, as `csv:` and `chain(` do.

        Args:
            prefix: what the names start with; "" takes every name that is left.
            resolve: the entry of a name; None: the example's, with `build(argument, ...)`.
            parse: a user's text as the name proper and the options written inside it.
            example: an entry such as `csv:FILE` that stands for the family in lists, where all its
                members have the same options.
        """
        if resolve is None:
            assert example is not None, f"the family '{prefix}' has neither resolve nor an example"
            resolve = functools.partial(_of_argument, prefix, example)
        self._families[prefix] = _Family(resolve, parse)
        if example is not None:
            self._examples.append(example)

    def examples(self) -> list[E]:
        """An entry for each family whose members have the same options."""
        return sorted(self._examples, key=lambda entry: entry.name)

    def parse_name(self, text: str) -> tuple[str, dict[str, Any]]:
        """A user's text as the entry's name, and the options inside it (the numbers of a
        chain)."""
        family = None if text in self._entries else self._family(text)
        return family.parse(text) if family else (text, {})

    def get(self, name: str) -> E:
        """The entry of that name. Raises Unknown with the nearest names."""
        if name in self._entries:
            return self._entries[name]
        family = self._family(name)
        if family:
            return family.resolve(name)
        raise Unknown(
            f"unknown {self.kind} '{name}'; {nearest(name.partition('(')[0], self.names())}"
        )

    def _family(self, name: str) -> "_Family[E] | None":
        """The family of the longest prefix that fits."""
        fitting = [prefix for prefix in self._families if name.startswith(prefix)]
        # The empty prefix takes what is left, so the longest one wins.
        return self._families[max(fitting, key=len)] if fitting else None

    def names(self) -> list[str]:
        """The entries' names in order, without those of families."""
        return sorted(self._entries)

    def __iter__(self) -> Iterator[E]:
        return iter(self._entries[name] for name in self.names())

    def __contains__(self, name: str) -> bool:
        return name in self._entries


ARCHITECTURES: Registry[Architecture] = Registry("architecture", "architectures")
ACTIVATIONS: Registry[Activation] = Registry("activation", "activations")
OPTIMIZERS: Registry[Optimizer] = Registry("optimizer", "optimizers")
SCHEDULES: Registry[Schedule] = Registry("schedule", "schedules")
REGULARIZERS: Registry[Regularizer] = Registry("regularizer", "regularizers")
DATASETS: Registry[Entry] = Registry("data set", "datasets")
TASKS: Registry[Task] = Registry("task", "tasks")
ENCODINGS: Registry[Entry] = Registry("encoding of categories", "encodings")
REDUCTIONS: Registry[Entry] = Registry("reduction", "reductions")
FEATURE_STEPS: Registry[Entry] = Registry("feature step", "feature_steps")
SELECTIONS: Registry[Entry] = Registry("selection", "selections")
SPLITTERS: Registry[Splitter] = Registry("splitter", "splitters")
ENSEMBLES: Registry[Ensemble] = Registry("ensemble", "ensembles")
ESTIMATES: Registry[Estimate] = Registry("estimate", "estimates")
LOSSES: Registry[Loss] = Registry("loss", "losses")
OBJECTIVES: Registry[Objective] = Registry("objective", "objectives")
METRICS: Registry[Metric] = Registry("metric", "metrics")
FEATURES: Registry[Entry] = Registry("feature", "features")
CALLBACKS: Registry[Callback] = Registry("callback", "callbacks")


def load_package(package: str, failed: Callable[[str, Exception], None] | None = None) -> None:
    """Imports every module of a package, so that a new file needs no other mention.

    failed: called with the name of a module that cannot be imported and its error; without it the
        error is raised.
    """
    package_module = importlib.import_module(package)
    for module in pkgutil.iter_modules(package_module.__path__, package + "."):
        try:
            importlib.import_module(module.name)
        except Exception as error:
            if failed is None:
                raise
            failed(module.name, error)
            continue
        if module.ispkg:
            load_package(module.name, failed)
