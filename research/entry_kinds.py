"""The kinds of registry entries: data about a builder, and what `build` of each kind returns.

The registries that hold them are in registry.py, from which they are imported.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

from research.options import Option, options_of
from research.words import first_sentence


# Two entries are the same if they are one object, as keys of caches too.
@dataclasses.dataclass(frozen=True, eq=False)
class Entry:
    """One member of the catalogue: data about a builder, never code of its own.

    version: raised when the mathematics changes, so that no old record is reused. 0: of an entry
        that no id names.
    constraints: functions `(view, spec)` of the config, as one of its players has it, and the
        data's facts, that return what is wrong, or None. They run before anything trains, and raise
        ShapeError where sizes do not fit. The first sentence of each docstring says what must hold.
    test_options: the small setting that tests use.
    test_settings: what tests set beside it: an objective's network, or a network's objective.
    """

    name: str
    build: Callable[..., Any]
    summary: str
    paper: str = ""
    version: int = 1
    # None: what the builder's signature says; () where a kind's builders take none.
    options: tuple[Option, ...] = None  # type: ignore[assignment]
    constraints: tuple[Callable[..., str | None], ...] = ()
    test_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    test_settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.options is None:
            object.__setattr__(self, "options", self._options_of_build())

    def _options_of_build(self) -> tuple[Option, ...]:
        return ()

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


# What has a target each, in messages: what an architecture may answer.
ANSWERED = {"example": "once per example", "step": "at each step", "pixel": "at each pixel"}


@dataclasses.dataclass(frozen=True, eq=False)
class Architecture(Entry):
    """`build(outputs=K, **facts, **options)` is a flax module: `module(x: [B, ...], fwd: Forward)
    -> [B, K]`.

    takes: the kinds of features that it takes (research/data/features), such as `("image",)`;
        "numbers" are those of any shape. Where it takes several inputs, the kind of each by name
        (`{"numbers": "table", "categories": "categories"}`); the module gets them as a dict.
    answers: what it has outputs for, keys of ANSWERED.
    loss: the training loss, unless `--loss` names another.
    normalization: the regularizer that normalizes hidden layers, unless `--normalization` or
        `--regularization` names another.
    members_option: the option that counts the members inside the network. Where it is set, outputs
        are [B, M, K]: their loss is the mean of the members' losses, and the prediction is the mean
        of theirs.
    constants: `constants(x, **options)` is fitted to the training rows x as the network reads them:
        arrays for `fwd.constants`, which are not trained and whose shapes depend on the options.
    needs_facts: the facts of the data that the engine passes to `build`, as keywords that are not
        among the options:

    - `vocabulary: int | None`: the inputs are tokens, int32 [B, T] in 0..vocabulary-1, with -1 for
      padding at the end; None: they are scaled numbers.
    - `per_step: bool`: the outputs are [B, T, K], one per step of the inputs, and each step has a
      target; False: they are [B, K], one per sequence.
    - `padded: bool`: the inputs are series [B, T] or [B, T, D] of numbers, with NaN for padding at
      the end.
    - `features: Feature`: what the inputs are, such as how many categories each column has.
    - `source: int`: the first `source` tokens are the source. The others are the answer, shifted
      by one place behind a start token (teacher forcing). 0: there is no source.

    A module that reads padded sequences tells its layers which steps are real, by `fwd =
    fwd.over(real)` with bool [B, T]. Batch norm and penalties then leave padding out.
    """

    takes: tuple[str, ...] | Mapping[str, str] = ("numbers",)
    answers: tuple[str, ...] = ("example",)
    loss: str = "auto"
    normalization: str = ""
    members_option: str = ""
    constants: Callable[..., Any] | None = None
    needs_facts: tuple[str, ...] = ()

    def _options_of_build(self) -> tuple[Option, ...]:
        return options_of(self.build, given=("outputs", *self.needs_facts))

    @property
    def requirements(self) -> tuple[str, ...]:
        """Those of every entry, behind what it takes and answers."""
        kinds = self.takes
        if isinstance(kinds, Mapping):
            inputs = " and ".join(f"{name} ({kind})" for name, kind in kinds.items())
        else:
            inputs = f"of the kind {' or '.join(kinds)}"
        answers = " or ".join(map(ANSWERED.__getitem__, self.answers))
        lines = f"The inputs are {inputs}.", f"It answers {answers}."
        return (*lines, *super().requirements)


@dataclasses.dataclass(frozen=True, eq=False)
class HostEstimator(Architecture):
    """An architecture that is fitted on the host instead of trained by updates.

    `build(train, validation, seed, outputs=K, **facts, **options)` fits it and returns `predict(x:
    [M, ...]) -> scores [M, K]`; of a class, `build(outputs=K, **facts, **options)` is a function of
    the first three. See research/baselines/estimator.py. Another fact is `task: str`.

    tasks: those that it is for. weighs: whether examples can have weights. categories: whether it
        takes a category as its place among those of its column, not as one-hot columns.
    """

    tasks: tuple[str, ...] = ("classification", "regression")
    weighs: bool = False
    categories: bool = False

    def fit(self, **arguments: Any) -> Callable[..., Any]:
        """What fits it, by `outputs`, the facts and the options."""
        if isinstance(self.build, type):
            fit: Callable[..., Any] = self.build(**arguments)
            return fit
        return functools.partial(self.build, **arguments)

    def _options_of_build(self) -> tuple[Option, ...]:
        given = ("train", "validation", "seed", "outputs", *self.needs_facts)
        return options_of(self.build, given)


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

    def _options_of_build(self) -> tuple[Option, ...]:
        return options_of(self.build)


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
    "activations": ("input", "hidden", "residual", "attention", "recurrent", "branch"),
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

    loss: the default loss. defaults: settings of its runs unless a config gives others; a change
        raises `version`. fitted: only host estimators are for it. shown: the splits whose main
        metric a table has, unless it names columns.
    sees: DataSpec -> DataSpec, a data set as this task reads it. It applies where any data set will
        do and `--task` names the task. None: only data that name this task have it.
    """

    loss: str = ""
    defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    sees: Callable[[Any], Any] | None = None
    fitted: bool = False
    shown: tuple[str, ...] = ("validation", "test")


@dataclasses.dataclass(frozen=True, eq=False)
class Objective(Entry):
    """What is minimised, and by whom. `build(**options)` is a research.tasks.objectives.game.Game.

    Numeric options may be tracers; only losses may depend on them, not the players.
    """

    def _options_of_build(self) -> tuple[Option, ...]:
        return options_of(self.build)


@dataclasses.dataclass(frozen=True, eq=False)
class Splitter(Entry):
    """`build(**options)` is a research.data.splitters.division.Division.

    seeded: each seed draws a split of its own by default. False where the rows that test are the
        same whatever the seed.
    grouped: it keeps the rows of a group together.
    drawing: the options that draw rows by the seed, where set, though it is not seeded.
    inner: the option that says how many inner folds each fold has; "": it has none.
    """

    seeded: bool = True
    grouped: bool = False
    drawing: tuple[str, ...] = ()
    inner: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class Estimate(Entry):
    """`build()` is `estimate(runs) -> metrics`: the metrics of one seed, by name, from those of its
    finished runs in the order of the folds.

    says: what a value is, for captions; `{runs}` stands for the number of runs.
    most: how many runs it takes; None: any number.
    """

    says: str = ""
    most: int | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Ensemble(Entry):
    """Runs whose predictions are combined. `build(config, **options)` returns the configs of its
    members, in order; `config` is that of one run, and says its `split_seed`.

    combine: `combine(predicted, classes, **options)` makes the predictions of the ensemble of
        those that its members kept; see research/sweeps/ensembles/combination.py. Other rows, which
        the members predict later, are one more part beside those. None: their mean.
    follow: `follow(config, earlier)` is the config of a member that depends on those before it, by
        their ids; it is not called for the first. None: members do not depend on each other.
    """

    combine: Callable[..., Any] | None = None
    follow: Callable[..., Any] | None = None

    def _options_of_build(self) -> tuple[Option, ...]:
        return options_of(self.build, given=("config",))


@dataclasses.dataclass(frozen=True, eq=False)
class Environment(Entry):
    """A data set whose examples a learner collects; see research/data/environments/collected.py.

    world: `world(**options)` is a research.data.environments.world.World. Numeric options may be
        tracers; only what it does may depend on them, not its shapes.
    """

    world: Callable[..., Any] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Metric(Entry):
    """A metric beside those of a task.

    `build()` is `metric(scores [B, ..., C], y [B, ...]) -> [B]`, a value per example on the device.
    With `whole` it is `metric(scores [N, C], y [N]) -> float`, one value per split, on the host; it
    applies only to final metrics.

    generic: it is written for arrays of numpy and JAX alike. Final values are computed in float64
        by numpy. With `whole` it also takes the rows that count, `metric(scores, y, real bool [N])
        -> []`, and validation curves follow it.
    tasks: the tasks whose runs it measures. better: `higher` or `lower`.
    undefined: when it is NaN, for notes: `a class is never predicted`; "": never.
    """

    tasks: tuple[str, ...] = ()
    better: str = "higher"
    whole: bool = False
    generic: bool = False
    undefined: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class Callback(Entry):
    """`build()` is `callback(run_id, epoch, metrics)`, called on the host after each epoch.

    epoch is counted from 1; metrics are those of the epoch, by name (`validation/accuracy`).
    """
