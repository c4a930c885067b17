"""What a registry entry is, and the registries: the catalogue that flags, errors, lists and tests
range over."""

import dataclasses
import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

from research.errors import Unknown, nearest
from research.options import Option
from research.words import first_sentence


# Two entries are the same if they are one object, as keys of caches too.
@dataclasses.dataclass(frozen=True, eq=False)
class Entry:
    """One member of the catalogue: data about a builder, never code of its own.

    version: raised when the mathematics changes, so that no old record is reused.
    constraints: functions of a whole config that return what is wrong with it, or None. They run
        before anything trains, and raise ShapeError where sizes do not fit. The first sentence of
        each docstring says what must hold.
    test_options: the small setting that tests use.
    """

    name: str
    build: Callable[..., Any]
    summary: str
    paper: str = ""
    version: int = 1
    options: tuple[Option, ...] = ()
    constraints: tuple[Callable[..., str | None], ...] = ()
    test_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def option(self, name: str) -> Option | None:
        """The option of that name, or None."""
        return self._by_name.get(name)

    @functools.cached_property
    def naming(self) -> tuple[Option, ...]:
        """The options whose values name an entry of a registry."""
        return tuple(option for option in self.options if option.registry is not None)

    @functools.cached_property
    def _by_name(self) -> dict[str, Option]:
        return {option.name: option for option in self.options}

    @property
    def requirements(self) -> tuple[str, ...]:
        """What must hold for the entry to be used, a line each. Other runs are refused."""
        return tuple(_must_hold(constraint) for constraint in self.constraints)


def _must_hold(constraint: Callable[..., str | None]) -> str:
    """The first sentence of a constraint's docstring."""
    function = constraint.func if isinstance(constraint, functools.partial) else constraint
    return first_sentence(function.__doc__ or "")


class HasName(Protocol):
    """What a registry holds: anything with a name."""

    @property
    def name(self) -> str: ...


E = TypeVar("E", bound=HasName)


@dataclasses.dataclass(frozen=True)
class _Family(Generic[E]):
    """The entries whose names have an argument. See Registry.add_family."""

    resolve: Callable[[str], E]
    parse: Callable[[str], tuple[str, dict[str, Any]]]


class Registry(Generic[E]):
    """The entries of one kind, by name. A *family* resolves names with an argument, such as
    `csv:FILE`."""

    def __init__(self, kind: str, plural: str) -> None:
        self.kind = kind
        self.plural = plural
        self._entries: dict[str, E] = {}
        self._families: dict[str, _Family[E]] = {}
        self._examples: list[str] = []

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
        resolve: Callable[[str], E],
        parse: Callable[[str], tuple[str, dict[str, Any]]] = lambda text: (text, {}),
        example: str = "",
    ) -> None:
        """Adds all names that start with a prefix, as `csv:` and `chain(` do.

        Args:
            prefix: what the names start with; "" takes every name that is left.
            resolve: the entry of a name.
            parse: a user's text as the name proper and the options written inside it.
            example: a name such as `csv:FILE` that stands for the family in lists, where all its
                members have the same options.
        """
        self._families[prefix] = _Family(resolve, parse)
        if example:
            self._examples.append(example)

    def examples(self) -> list[E]:
        """An entry for each family whose members have the same options."""
        return [self.get(name) for name in sorted(self._examples)]

    def parse_name(self, text: str) -> tuple[str, dict[str, Any]]:
        """A user's text as the entry's name, and the options inside it (the numbers of a
        chain)."""
        family = self._family(text)
        return family.parse(text) if family and text not in self._entries else (text, {})

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
        return sorted(self._entries)

    def __iter__(self) -> Iterator[E]:
        return iter(self._entries[name] for name in self.names())

    def __contains__(self, name: str) -> bool:
        return name in self._entries


# What must hold where an architecture does not need a fact of the data.
WITHOUT_FACT = {
    "vocabulary": "The inputs are numbers, not tokens.",
    "per_step": "There is one target per example, not one per step.",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Architecture(Entry):
    """`build(outputs=K, **facts, **options)` is a flax module: `module(x: [B, ...], fwd: Forward)
    -> [B, K]`.

    inputs: the ranks of an example that it takes; () for any.
    loss: the training loss, unless `--loss` names another.
    normalization: the regularizer that normalizes hidden layers, unless `--normalization` or
        `--regularization` names another.
    needs_facts: the facts of the data that the engine passes to `build`, as keywords that are not
        among the options:

    - `vocabulary: int | None`: the inputs are tokens, int32 [B, T] in 0..vocabulary-1, with -1 for
      padding at the end; None: they are scaled numbers. Without this fact it takes only numbers.
    - `per_step: bool`: the outputs are [B, T, K], one per step of the inputs, and each step has a
      target; False: they are [B, K], one per sequence. Without this fact it has only [B, K].
    - `padded: bool`: the inputs are series [B, T] or [B, T, D] of numbers, with NaN for padding at
      the end. Without this fact it takes only series of equal length.
    - `source: int`: the first `source` tokens are the source. The others are the answer, shifted
      by one place behind a start token (teacher forcing). 0: there is no source.

    A module that reads padded sequences tells its layers which steps are real, by `fwd =
    fwd.over(real)` with bool [B, T]. Batch norm and penalties then leave padding out.
    """

    inputs: tuple[int, ...] = ()
    loss: str = "auto"
    normalization: str = ""
    needs_facts: tuple[str, ...] = ()

    @property
    def requirements(self) -> tuple[str, ...]:
        ranks = f"Examples are of rank {' or '.join(map(str, self.inputs))} (3: images [H, W, C])."
        lines = [ranks] if self.inputs else []
        lines += [line for fact, line in WITHOUT_FACT.items() if fact not in self.needs_facts]
        return (*lines, *super().requirements)


@dataclasses.dataclass(frozen=True, eq=False)
class Activation(Entry):
    """`build()` is a flax module: `module(x, fwd) -> x`.

    init: the matching initialisation (`he`, `glorot`, `lecun`).
    pieces: the last axis of the output is `pieces` times smaller than that of x (maxout).
    """

    init: str = "glorot"
    pieces: int = 1


@dataclasses.dataclass(frozen=True, eq=False)
class Optimizer(Entry):
    """`build(**options)` is an optax transformation without learning rate or sign.

    Numeric options may be tracers.

    perturb: `perturb(params, grads, **options) -> params`, the point at which a second gradient is
        taken (SAM).
    """

    perturb: Callable[..., Any] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Schedule(Entry):
    """`build(steps: int, steps_per_epoch: int, **options)` is float64 [steps], the rate's factor at
    each step.

    feedback: the factor also depends on a validation metric (reduce on plateau).
    """

    feedback: bool = False


# The slots of regularizers in the order of a step, and the sites at which a member of each can act;
# see research/regularization/__init__.py.
SITES: Mapping[str, tuple[str, ...]] = {
    "data": ("any", "image"),
    "targets": ("any", "image"),
    "parameters": ("kernels", "reparametrization"),
    "normalization": ("any", "image"),
    "activations": ("input", "hidden", "attention", "recurrent", "branch"),
    "loss": ("kernels", "hidden"),
    "update": ("gradient", "decay", "independent"),
    "projection": ("norm", "proximal"),
    "average": ("parameters",),
    "stopping": ("validation",),
}
SLOTS = tuple(SITES)


@dataclasses.dataclass(frozen=True, eq=False)
class Regularizer(Entry):
    """`build(**options)` is the transformation of its slot.

    See research/regularization/__init__.py.

    slot, site: keys and values of SITES.
    neutral: the options at which it returns its input bitwise; None where there are none (batch
        norm).
    mixes_examples: in the slot targets: it mixes examples, so it must see the global batch.
    has_bias: a normalization ends with a learned bias, so that a bias before it does nothing.
    mask: in the slot data: the builder of the same change of pixels for a mask of classes; None for
        members that leave masks alone.
    """

    slot: str = ""
    site: str = ""
    neutral: Mapping[str, Any] | None = None
    mixes_examples: bool = False
    has_bias: bool = True
    mask: Callable[..., Any] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Loss(Entry):
    """`build()` is `loss(outputs: [..., K], targets: [..., C]) -> [...]`.

    The axes before the last are examples [B] or their steps [B, T]; the engine takes the mean of an
    example over its real steps.

    tasks: the tasks that it belongs to.
    linear: it is linear in targets that are shares of classes, so that the loss of mixed targets is
        the mixture of their losses. Where it is not, label smoothing, mixup and cutmix of classes
        are refused.
    outputs: K as a function of C, the width of the targets.
    scores: ([..., K], C) -> [..., C], the outputs as the task's metrics read them.
    latents: it reads the network's latents, which follow the K outputs.
    metrics: further values per example, (outputs, targets) -> [B], by name.
    """

    tasks: tuple[str, ...] = ()
    linear: bool = False
    outputs: Callable[[int], int] = lambda width: width
    scores: Callable[[Any, int], Any] = lambda outputs, width: outputs
    latents: bool = False
    metrics: Mapping[str, Callable[[Any, Any], Any]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, eq=False)
class Task(Entry):
    """A kind of problem. `build()` is a research.tasks.problem.Problem.

    loss: the default loss.
    defaults: settings of its runs unless a config gives others; a change raises `version`.
    sees: DataSpec -> DataSpec, a data set as this task reads it. It applies where any data set will
        do and `--task` names the task. None: only data that name this task have it.
    """

    loss: str = ""
    defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    sees: Callable[[Any], Any] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Metric(Entry):
    """A user's metric beside those of a task.

    `build()` is `metric(scores [B, ..., C], y [B, ...]) -> [B]`, a value per example on the device.
    With `whole` it is `metric(scores [N, C], y [N]) -> float`, one value per split, on the host; it
    applies only to final metrics.

    tasks: the tasks whose runs it measures. better: `higher` or `lower`.
    """

    tasks: tuple[str, ...] = ()
    better: str = "higher"
    whole: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Callback(Entry):
    """`build()` is `callback(run_id, epoch, metrics)`, called on the host after each epoch.

    epoch is counted from 1; metrics are those of the epoch, by name (`validation/accuracy`).
    """


ARCHITECTURES: Registry[Architecture] = Registry("architecture", "architectures")
ACTIVATIONS: Registry[Activation] = Registry("activation", "activations")
OPTIMIZERS: Registry[Optimizer] = Registry("optimizer", "optimizers")
SCHEDULES: Registry[Schedule] = Registry("schedule", "schedules")
REGULARIZERS: Registry[Regularizer] = Registry("regularizer", "regularizers")
DATASETS: Registry[Entry] = Registry("data set", "datasets")
TASKS: Registry[Task] = Registry("task", "tasks")
LOSSES: Registry[Loss] = Registry("loss", "losses")
METRICS: Registry[Metric] = Registry("metric", "metrics")
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
