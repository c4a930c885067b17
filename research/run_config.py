"""RunConfig: the settings of one run, each of them static, numeric or execution.

*static* leaves shape the program, *numeric* ones may differ between lanes of a program (they enter
as arguments or data), *execution* ones never touch a run's identity. The kind of a field is
declared on the field; the kind of an entry's option follows its annotation (research/options.py).
"""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from research.class_weight import ClassWeight
from research.options import (
    Count,
    Fraction,
    Option,
    Positive,
    Range,
    format_value,
    option,
)
from research.registry import (
    ARCHITECTURES,
    DATASETS,
    ENCODINGS,
    ENSEMBLES,
    OBJECTIVES,
    OPTIMIZERS,
    REDUCTIONS,
    REGULARIZERS,
    SCHEDULES,
    SELECTIONS,
    SPLITTERS,
    Registry,
)

STATIC = "static"
NUMERIC = "numeric"
EXECUTION = "execution"


@dataclasses.dataclass(frozen=True)
class Component:
    """A chosen registry entry: its name, and a value for each of its options in its order."""

    name: str
    options: tuple[tuple[str, Any], ...] = ()

    def __getitem__(self, option_name: str) -> Any:
        return dict(self.options)[option_name]

    @property
    def call(self) -> str:
        """`pca(3)`, as a flag that takes a single component has it."""
        if not self.options:
            return self.name
        (_, first), *rest = self.options
        more = "".join(f",{name}={format_value(value)}" for name, value in rest)
        return f"{self.name}({format_value(first)}{more})"

    def __str__(self) -> str:
        if len(self.options) == 1:
            return f"{self.name}={format_value(self.options[0][1])}"
        return self.call


@dataclasses.dataclass(frozen=True)
class PlayerSettings:
    """How one of several players updates its parameters. learning_rate: None for the task's."""

    name: str
    optimizer: Component
    learning_rate: float | None
    schedule: Component


# The fields of a run that each of several players has for itself: `learning_rate.critic`.
PLAYER_FIELDS = ("optimizer", "learning_rate", "schedule")

# The values of fields without one (`auto` or none), unless the task's entry has others.
DEFAULTS_OF_TASKS: Mapping[str, Any] = {"learning_rate": 0.1, "target_scaling": "none"}


def _field(default: Any, kind: str, registry: Registry[Any] | None = None) -> Any:
    # The kind stands beside the field, so that no second list can disagree with it.
    return dataclasses.field(default=default, metadata={"kind": kind, "registry": registry})


# The device takes seeds as uint32.
Seed = Annotated[int, Range(0, 2**32 - 1)]
Fold = Annotated[int, Range(0)]
InnerFolds = Annotated[int, Range(2)]
Share = Annotated[float, Range(0, 1, low_open=True)]


@dataclasses.dataclass(frozen=True, slots=True)
class RunConfig:
    """One training, seed included. Build it with `resolve`, which checks every value."""

    dataset: Annotated[
        Component, "data set: a name (digits, mnist), csv:FILE, folder:DIR or text:FILE"
    ] = _field(Component("digits"), STATIC, DATASETS)
    task: Annotated[str, "kind of problem; auto: the data set's own"] = _field("auto", STATIC)
    split: Annotated[Component, "train:validation:test, or train:test, or folds: kfold(5)"] = (
        _field(Component("8:1:1"), STATIC, SPLITTERS)
    )
    fold: Annotated[Fold | None, "fold of the split, from 0; none: each of its folds"] = _field(
        None, NUMERIC
    )
    split_seed: Annotated[
        Seed | None,
        "seed of the split; seed: the run's own; none: the run's own, or 0 where the data set has"
        " test rows of its own",
    ] = _field(None, NUMERIC)
    train_size: Annotated[Count | None, "train on this many of the training rows; none: all"] = (
        _field(None, STATIC)
    )
    row_share: Annotated[
        Share | None,
        "train on this share of the training rows, drawn by the run's seed; none: all",
    ] = _field(None, STATIC)
    bootstrap: Annotated[
        bool, "draw the training rows with replacement, by the run's seed (bagging)"
    ] = _field(False, NUMERIC)
    column_share: Annotated[
        Share | None,
        "show the network this share of the input's numbers, drawn by the run's seed; none: all",
    ] = _field(None, STATIC)
    inner_folds: Annotated[
        InnerFolds | None, "divide the training rows into this many folds (stacking); none: do not"
    ] = _field(None, STATIC)
    inner_fold: Annotated[Fold | None, "the inner fold that tests, from 0; the others train"] = (
        _field(None, NUMERIC)
    )
    label_noise: Annotated[
        Fraction,
        "probability that a training label is replaced by one drawn uniformly from all classes",
    ] = _field(0.0, NUMERIC)
    scaling: Annotated[
        Literal["none", "minmax", "standard", "robust", "maxabs", "quantile", "power", "log"],
        "scaling of the inputs, fitted on the training rows; quantile (to a normal distribution),"
        " power (Yeo-Johnson) and log apply to the numbers of tables",
    ] = _field("standard", NUMERIC)
    encoding_of_categories: Annotated[
        Component,
        "encoding of the categories of tables, fitted on the training rows: onehot, ordinal,"
        " frequency or target(smoothing=10)",
    ] = _field(Component("onehot"), STATIC, ENCODINGS)
    features: Annotated[
        str | None,
        "columns to add to a table: 'interactions(2), bins(age, 5)'; none: add none",
    ] = _field(None, STATIC)
    drop_feature: Annotated[
        tuple[str, ...] | None,
        "columns of a table to hide from the run: age,fare; each (on an axis): every column in"
        " turn; none: hide none",
    ] = _field(None, NUMERIC)
    select: Annotated[
        Component,
        "selection of the features of a table, fitted on the training rows: anova(10); none: keep"
        " all",
    ] = _field(Component("none"), STATIC, SELECTIONS)
    reduce: Annotated[
        Component,
        "reduction of the scaled inputs, fitted on the training rows: pca(20); none: keep all",
    ] = _field(Component("none"), STATIC, REDUCTIONS)
    target_scaling: Annotated[
        Literal["auto", "none", "standard"],
        "scaling of targets that are numbers; metrics stay in the data's units; auto: standard",
    ] = _field("auto", NUMERIC)
    arch: Annotated[Component, "architecture"] = _field(Component("mlp"), STATIC, ARCHITECTURES)
    ensemble: Annotated[
        Component, "runs whose predictions are combined: seeds(5); none: one run by itself"
    ] = _field(Component("none"), STATIC, ENSEMBLES)
    loss: Annotated[str, "training loss; auto: the architecture's or the task's own"] = _field(
        "auto", STATIC
    )
    loss_mean: Annotated[
        Literal["examples", "targets"],
        "mean of the loss where examples differ in their number of targets: over examples, or over"
        " targets",
    ] = _field("examples", STATIC)
    class_weight: Annotated[
        ClassWeight | None,
        "what each class weighs in the training loss: balanced (by the training rows), or"
        " '{cat: 2, dog: 1}'; none: all alike",
    ] = _field(None, NUMERIC)
    objective: Annotated[
        Component, "what is minimised, and by which players; supervised: the loss, by one player"
    ] = _field(Component("supervised"), STATIC, OBJECTIVES)
    metrics: Annotated[
        tuple[str, ...] | None, "metrics to measure beside the task's, such as f1_macro,mcc"
    ] = _field(None, STATIC)
    calibrate: Annotated[
        Literal["none", "temperature", "vector", "isotonic"],
        "map of a classifier's scores that is fitted to the validation rows after training",
    ] = _field("none", STATIC)
    optimizer: Annotated[
        Component,
        "optimizer, or a chain of optax transformations: 'chain(clip(1.0), scale_by_adam())'",
    ] = _field(Component("sgd"), STATIC, OPTIMIZERS)
    learning_rate: Annotated[
        Positive | None, "base learning rate; none: 0.1, or 0.001 where the targets are numbers"
    ] = _field(None, NUMERIC)
    schedule: Annotated[Component, "learning-rate schedule"] = _field(
        Component("constant"), NUMERIC, SCHEDULES
    )
    regularization: Annotated[
        tuple[Component, ...], "regularizers: none, or a list such as dropout=0.5,max_norm=2"
    ] = _field((), STATIC, REGULARIZERS)
    normalization: Annotated[
        Literal["auto", "none", "batch", "layer", "group", "instance", "rms", "weight"],
        "normalization of the hidden layers, short for a regularizer (batch_norm); auto: the"
        " architecture's own",
    ] = _field("auto", STATIC)
    epochs: Annotated[Count, "passes over the training rows"] = _field(20, STATIC)
    updates_per_epoch: Annotated[
        Count | None,
        "updates of an epoch in an environment, which has no rows to pass over; none: 100",
    ] = _field(None, STATIC)
    batch_size: Annotated[Count, "examples per update; full: all of them"] = _field(64, STATIC)
    reshuffle_each_epoch: Annotated[
        bool, "shuffle the training rows each epoch; false: keep the first epoch's order"
    ] = _field(True, STATIC)
    remainder: Annotated[
        Literal["drop", "pad"],
        "rows that do not fill a batch: drop (a later epoch reads them) or pad (a smaller last"
        " batch)",
    ] = _field("drop", STATIC)
    accumulate: Annotated[
        Count,
        "parts of each batch, computed in turn to save memory; batch norm sees one part at a time",
    ] = _field(1, STATIC)
    precision: Annotated[
        Literal["float32", "tf32", "bfloat16", "float64"],
        "precision of the arithmetic; bfloat16 keeps parameters in float32",
    ] = _field("float32", STATIC)
    remat: Annotated[bool, "recompute activations in the backward pass, to save memory"] = _field(
        False, STATIC
    )
    init_from: Annotated[
        str | None, "start from the kept parameters of a run: RUN, RUN:best or RUN:last"
    ] = _field(None, NUMERIC)
    boost: Annotated[
        Literal["none", "weights", "residuals"],
        "what a member of a boosted ensemble learns from the runs in `after`; weights: rows that"
        " they get wrong weigh more (AdaBoost); residuals: it fits the negative gradient of the"
        " loss at their sum (gradient boosting)",
    ] = _field("none", STATIC)
    boost_rate: Annotated[Positive, "what a boosted member's part is multiplied by"] = _field(
        1.0, NUMERIC
    )
    after: Annotated[
        tuple[str, ...] | None,
        "ids of the members before this one, in order; none: it is the first",
    ] = _field(None, NUMERIC)
    freeze: Annotated[
        str | None, "parameters whose name (Dense_0/kernel) has this pattern do not change"
    ] = _field(None, STATIC)
    reset: Annotated[
        str | None,
        "parameters whose name has this pattern are initialized again, despite --init_from",
    ] = _field(None, NUMERIC)
    seed: Annotated[
        int, Range(0, 2**32 - 1), "seed of all randomness that has no seed of its own"
    ] = _field(0, NUMERIC)
    init_seed: Annotated[Seed | None, "seed of the initial parameters; none: the run's seed"] = (
        _field(None, NUMERIC)
    )
    order_seed: Annotated[Seed | None, "seed of the order of the data; none: the run's seed"] = (
        _field(None, NUMERIC)
    )
    noise_seed: Annotated[
        Seed | None,
        "seed of all noise while training: dropout, augmentation, label noise; none: the run's"
        " seed",
    ] = _field(None, NUMERIC)
    # Settings of several players, in the place of PLAYER_FIELDS; () where there is one player.
    players: tuple[PlayerSettings, ...] = ()

    @property
    def encodes_categories(self) -> bool:
        """Whether categories become numbers other than one-hot columns."""
        return self.encoding_of_categories.name != "onehot"

    @property
    def selects(self) -> bool:
        """Whether the run chooses features on its training rows."""
        return self.select.name != "none"

    @property
    def hides_columns(self) -> bool:
        """Whether the run may see fewer features than its data have."""
        return self.drop_feature is not None or self.selects

    def reseeded(self, seeds: Mapping[str, int]) -> "RunConfig":
        """This config with other seeds."""
        # A large sweep has one config per run: slots halve their memory, and copying them takes
        # half of the time of `dataclasses.replace`, which initializes every field.
        copied = object.__new__(RunConfig)
        for copy_slot, read in _SLOTS:
            copy_slot(copied, read(self))
        for name, seed in seeds.items():
            object.__setattr__(copied, name, seed)
        return copied


_SLOTS = tuple(
    (slot.__set__, slot.__get__)
    for slot in (RunConfig.__dict__[field.name] for field in dataclasses.fields(RunConfig))
)
FIELDS = {f.name: f for f in dataclasses.fields(RunConfig) if f.name != "players"}
HINTS = typing.get_type_hints(RunConfig, include_extras=True)
PARTS = {
    name: f.metadata["registry"] for name, f in FIELDS.items() if f.metadata["registry"] is not None
}
# The fields whose settings may have a dot: `optimizer.b1`, `learning_rate.critic`.
NESTED = (*PARTS, "learning_rate")
OPTIONS: dict[str, Option] = {
    name: option(name, HINTS[name], f.default) for name, f in FIELDS.items() if name not in PARTS
}
HELP: dict[str, str] = {
    name: next(n for n in HINTS[name].__metadata__ if isinstance(n, str)) for name in FIELDS
}
# The seeds of a run by what they seed: `--seed.init` is `--init_seed`.
SEEDS = {source: f"{source}_seed" for source in ("init", "order", "noise", "split")}
# Those that are the run's seed where they are not set; the data say whose the split's is.
FOLLOWING = ("init_seed", "order_seed", "noise_seed")
# Options of data sets that are so often given that they have a short name.
OF_FILES = {
    name: f"dataset.{name}"
    for name in (
        "target",
        "impute",
        "context",
        "drop",
        "group",
        "weight",
        "numbers",
        "categories",
        "missing",
        "decimal",
        "thousands",
        "encoding",
        "delimiter",
        "dates",
        "comment",
        "time",
        "series",
    )
}
# Other names of settings.
SHORT = OF_FILES | {f"seed.{source}": name for source, name in SEEDS.items()}
FULL_BATCH = 0  # the value of batch_size=full, which a user cannot write as 0
FOLLOWS_SEED = -1  # the value of split_seed=seed
# Words that stand for a number.
WORDS = {"batch_size": ("full", FULL_BATCH), "split_seed": ("seed", FOLLOWS_SEED)}
# The settings of a run that is fitted on the host: its data, its seed, and what it is. All others
# are about training by updates.
FITTED_SETTINGS = (
    "dataset",
    "task",
    "split",
    "split_seed",
    "fold",
    "train_size",
    "row_share",
    "bootstrap",
    "column_share",
    "inner_folds",
    "inner_fold",
    "label_noise",
    "class_weight",
    "scaling",
    "encoding_of_categories",
    "features",
    "drop_feature",
    "select",
    "reduce",
    "arch",
    "ensemble",
    "metrics",
    "seed",
)
