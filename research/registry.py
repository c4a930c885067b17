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

    version is raised when the mathematics changes, so that no old record is reused. `constraints`
    look at a whole config and return what is wrong with it, or None, which is an error before
    anything trains; the first line of each one's docstring says what must hold. `tiny` is the
    setting that tests use.
    """

    name: str
    build: Callable[..., Any]
    summary: str
    paper: str = ""
    version: int = 1
    options: tuple[Option, ...] = ()
    constraints: tuple[Callable[..., str | None], ...] = ()
    tiny: Mapping[str, Any] = dataclasses.field(default_factory=dict)

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
    def needs(self) -> tuple[str, ...]:
        """What must hold for the entry to be used, a line each; where it does not, a run is an
        error."""
        return tuple(_must_hold(constraint) for constraint in self.constraints)


def _must_hold(constraint: Callable[..., str | None]) -> str:
    """The first sentence of a constraint's docstring."""
    function = constraint.func if isinstance(constraint, functools.partial) else constraint
    return first_sentence(function.__doc__ or "")


class Named(Protocol):
    """What a registry holds: anything with a name."""

    @property
    def name(self) -> str: ...


E = TypeVar("E", bound=Named)


class Registry(Generic[E]):
    """The entries of one kind, by name. A *family* resolves names with an argument, such as
    `csv:FILE`."""

    def __init__(self, kind: str, plural: str) -> None:
        self.kind, self.plural = kind, plural
        self._entries: dict[str, E] = {}
        self._families: dict[
            str, tuple[Callable[[str], E], Callable[[str], tuple[str, dict[str, Any]]]]
        ] = {}
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
        """Names that start with `prefix` are resolved by `resolve(name)`, as `csv:FILE` and
        `chain(...)` are.

        parse: a text as the name proper and the options written inside it. example: a name such as
            `csv:FILE` that stands for all of them, where they all have the same options.
        """
        self._families[prefix] = (resolve, parse)
        if example:
            self._examples.append(example)

    def examples(self) -> list[E]:
        """An entry for each family whose members have the same options."""
        return [self.get(name) for name in sorted(self._examples)]

    def parse_name(self, text: str) -> tuple[str, dict[str, Any]]:
        """What a user wrote as an entry's name, and the options inside it (the numbers of a
        chain)."""
        family = self._family(text)
        return family[1](text) if family and text not in self._entries else (text, {})

    def get(self, name: str) -> E:
        """The entry of that name. Raises Unknown with the nearest names."""
        if name in self._entries:
            return self._entries[name]
        family = self._family(name)
        if family:
            return family[0](name)
        raise Unknown(f"unknown {self.kind} '{name}'; {nearest(name, self.names())}")

    def _family(
        self, name: str
    ) -> tuple[Callable[[str], E], Callable[[str], tuple[str, dict[str, Any]]]] | None:
        """The family of the longest prefix that fits; the prefix "" takes every name that is
        left."""
        fitting = [prefix for prefix in self._families if name.startswith(prefix)]
        return self._families[max(fitting, key=len)] if fitting else None

    def names(self) -> list[str]:
        return sorted(self._entries)

    def __iter__(self) -> Iterator[E]:
        return iter(self._entries[name] for name in self.names())

    def __contains__(self, name: str) -> bool:
        return name in self._entries


# What must hold for an architecture that does not ask for a fact of the data.
UNASKED = {
    "vocabulary": "The inputs are numbers, not tokens.",
    "per_step": "There is one target per example, not one per step.",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Architecture(Entry):
    """`build(outputs=K, **asked, **options)` is a flax module: `module(x: [B, ...], fwd: Forward)
    -> [B, K]`.

    inputs: the ranks of one example that it takes, () for any. loss: what it is trained with unless
        `--loss` says.
    normalization: the regularizer by which it normalizes unless `--normalization` or
        `--regularization` says.
    asks: what the engine is to tell it of the data, each a keyword of `build` (and none of its
        options):

    - `vocabulary: int | None`: the inputs are tokens, raw int32 [B, T] in 0..vocabulary-1, -1 where
        a sequence is
      over (padding, at its end); None: they are numbers, scaled. One that does not ask takes
      numbers alone.
    - `per_step: bool`: the outputs are [B, T, K], one at each step of the inputs, which has a
        target of its own;
      False: they are [B, K], of the whole sequence. One that does not ask has [B, K] alone.
    - `padded: bool`: the inputs are series [B, T] or [B, T, D] of numbers, NaN where one is over
        (at its end). One that
      does not ask takes series that are equally long.
    - `source: int`: so many of the first tokens are read, and the others are the answer, one place
        late, behind a token
      that starts it (teacher forcing); 0: there is no such thing.

    One that reads padded sequences tells its layers which steps are real, by `fwd = fwd.over(real)`
    with bool [B, T]; batch norm and penalties then leave padding out.
    """

    inputs: tuple[int, ...] = ()
    loss: str = "auto"
    normalization: str = ""
    asks: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        ranks = f"Examples are of rank {' or '.join(map(str, self.inputs))} (3: images [H, W, C])."
        own = [ranks] if self.inputs else []
        own += [line for fact, line in UNASKED.items() if fact not in self.asks]
        return (*own, *super().needs)


@dataclasses.dataclass(frozen=True, eq=False)
class Activation(Entry):
    """`build()` is a flax module: `module(x, fwd) -> x`, or the last axis `pieces` times smaller
    (maxout).

    init: the initialisation that suits it (`he`, `glorot`, `lecun`).
    """

    init: str = "glorot"
    pieces: int = 1


@dataclasses.dataclass(frozen=True, eq=False)
class Optimizer(Entry):
    """`build(**options)` is an optax transformation without learning rate or sign; numeric options
    may be tracers.

    ascent: `ascent(params, grads, **options) -> params`, the point where a second gradient is taken
        (SAM).
    """

    ascent: Callable[..., Any] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Schedule(Entry):
    """`build(steps: int, steps_per_epoch: int, **options)` is float64 [steps]: the rate's factor at
    each step.

    feedback: the factor also depends on a validation metric (reduce on plateau).
    """

    feedback: bool = False


# The slots of regularizers, in the order in which a step comes to them, and where in each a member
# can act; see research/regularization/__init__.py.
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
    """`build(**options)` is the transformation of its slot; see
    research/regularization/__init__.py.

    slot, site: of SITES. neutral: the options at which it returns its input bitwise, or None where
    there are none (batch norm). mixes: whether it mixes examples (slot targets), so that it must
    see the global batch. offset: whether a normalization ends with a learned offset, so that a bias
    before it does nothing. mask: of a member of the data slot that moves an image's pixels, the
    builder of what does the same to a mask of classes; the others leave masks alone.
    """

    slot: str = ""
    site: str = ""
    neutral: Mapping[str, Any] | None = None
    mixes: bool = False
    offset: bool = True
    mask: Callable[..., Any] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Loss(Entry):
    """`build()` is `loss(outputs: [..., K], targets: [..., C]) -> [...]`; the axes before the last
    are examples [B] or their steps [B, T], over whose real ones the engine takes an example's mean.
    tasks: those that it belongs to.

    linear: whether it is linear in targets that are shares of classes, so that the loss of mixed
        targets is the mixture of their losses. Where it is not, label smoothing, mixup and cutmix
        of classes are refused.

    outputs: K as a function of C, the width of the targets. scores: outputs as what the task's
        metrics read, ([..., K], C) -> [..., C]. latents: it reads behind the K outputs what the
        network says of its latents. metrics: by name what else it tells of each example, (outputs,
        targets) -> [B].
    """

    tasks: tuple[str, ...] = ()
    linear: bool = False
    outputs: Callable[[int], int] = lambda width: width
    scores: Callable[[Any, int], Any] = lambda outputs, width: outputs
    latents: bool = False
    metrics: Mapping[str, Callable[[Any, Any], Any]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, eq=False)
class Task(Entry):
    """What kind of problem it is. `build()` is a research.tasks.problem.Problem. loss: its default
    loss.

    sees: a data set's DataSpec as this task has it, where any will do and `--task` asks for it;
        None: where the data say that it is theirs.
    """

    loss: str = ""
    sees: Callable[[Any], Any] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Metric(Entry):
    """What a user measures beside a task's own metrics. tasks: those whose runs it measures.

    `build()` is a value per example, `metric(scores [B, ..., C], y [B, ...]) -> [B]`, on the
    device; where `whole`, one value of a split, `metric(scores [N, C], y [N]) -> float`, on the
    host, of final metrics alone. better: `higher` or `lower`.
    """

    tasks: tuple[str, ...] = ()
    better: str = "higher"
    whole: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Callback(Entry):
    """`build()` is called on the host when a run has ended an epoch: `callback(run_id, epoch,
    metrics)`.

    epoch is counted from 1; metrics are the epoch's, by name (`validation/accuracy`).
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
    """Imports every module of a package, so that a new file is in the catalogue by lying there.

    failed: called with a module that cannot be imported and its error, which is raised without it.
    """
    module = importlib.import_module(package)
    for found in pkgutil.iter_modules(module.__path__, package + "."):
        try:
            importlib.import_module(found.name)
        except Exception as error:
            if failed is None:
                raise
            failed(found.name, error)
            continue
        if found.ispkg:
            load_package(found.name, failed)
