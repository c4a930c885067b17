"""RunConfig: one run, fully resolved; and what each of its leaves is: static, numeric or execution.

*static* leaves shape the program, *numeric* ones may differ between lanes of a program (they enter
as arguments or data), *execution* ones never touch a run's identity. The kind of a field is
declared on the field; the kind of an entry's option follows its annotation (research/options.py).
"""

import dataclasses
import functools
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from research import grammar
from research.errors import UserError, nearest
from research.option_text import entry_and_options, option_names, regularizer_and_options
from research.options import (
    REQUIRED,
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
    LOSSES,
    METRICS,
    OPTIMIZERS,
    REGULARIZERS,
    SCHEDULES,
    TASKS,
    Entry,
    Registry,
)

STATIC, NUMERIC, EXECUTION = "static", "numeric", "execution"


@dataclasses.dataclass(frozen=True)
class Component:
    """A registry entry chosen by name, with a value for each of its options, in the entry's
    order."""

    name: str
    options: tuple[tuple[str, Any], ...] = ()

    def __getitem__(self, option_name: str) -> Any:
        return dict(self.options)[option_name]

    def __str__(self) -> str:
        if not self.options:
            return self.name
        (_, first), *rest = self.options
        more = "".join(f",{k}={format_value(v)}" for k, v in rest)
        return (
            f"{self.name}={format_value(first)}"
            if not more
            else f"{self.name}({format_value(first)}{more})"
        )


# What `auto` or none of a field becomes, unless the task's entry says otherwise.
UNLESS_TASK_SAYS: Mapping[str, Any] = {"learning_rate": 0.1, "target_scaling": "none"}


def _field(default: Any, kind: str, registry: Registry[Any] | None = None) -> Any:
    return dataclasses.field(default=default, metadata={"kind": kind, "registry": registry})


SplitSeed = Annotated[int, Range(0, 2**32 - 1)]


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """One training, seed included. Build it with `resolve`, which checks every value."""

    dataset: Annotated[
        Component, "data set: a name (digits, mnist), csv:FILE, folder:DIR or text:FILE"
    ] = _field(Component("digits"), STATIC, DATASETS)
    task: Annotated[str, "kind of problem; auto: the data set's own"] = _field("auto", STATIC)
    split: Annotated[str, "train:validation:test, or train:test"] = _field("8:1:1", STATIC)
    split_seed: Annotated[
        SplitSeed | None, "seed of the split; none: the seed for bundled tables, else 0"
    ] = _field(None, NUMERIC)
    train_size: Annotated[Count | None, "train on this many of the training rows; none: all"] = (
        _field(None, STATIC)
    )
    label_noise: Annotated[
        Fraction,
        "probability that a training label is replaced by one drawn uniformly from all classes",
    ] = _field(0.0, NUMERIC)
    scaling: Annotated[
        Literal["none", "minmax", "standard", "robust"],
        "scaling of the inputs, fitted on the training rows",
    ] = _field("standard", NUMERIC)
    target_scaling: Annotated[
        Literal["auto", "none", "standard"],
        "scaling of targets that are numbers; metrics stay in the data's units; auto: standard",
    ] = _field("auto", NUMERIC)
    arch: Annotated[Component, "architecture"] = _field(Component("mlp"), STATIC, ARCHITECTURES)
    loss: Annotated[str, "training loss; auto: the architecture's or the task's own"] = _field(
        "auto", STATIC
    )
    loss_mean: Annotated[
        Literal["examples", "targets"],
        "mean of the loss where examples differ in their number of targets: over examples, or over"
        " targets",
    ] = _field("examples", STATIC)
    metrics: Annotated[
        tuple[str, ...] | None, "metrics of your own to measure beside the task's, from --plugin"
    ] = _field(None, STATIC)
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
    freeze: Annotated[
        str | None, "parameters whose name (Dense_0/kernel) has this pattern do not change"
    ] = _field(None, STATIC)
    reset: Annotated[
        str | None,
        "parameters whose name has this pattern are initialized again, despite --init_from",
    ] = _field(None, NUMERIC)
    seed: Annotated[int, Range(0, 2**32 - 1), "seed of all randomness"] = _field(0, NUMERIC)


FIELDS = {f.name: f for f in dataclasses.fields(RunConfig)}
HINTS = typing.get_type_hints(RunConfig, include_extras=True)
PARTS = {
    name: f.metadata["registry"] for name, f in FIELDS.items() if f.metadata["registry"] is not None
}
OPTIONS: dict[str, Option] = {
    name: option(name, HINTS[name], f.default) for name, f in FIELDS.items() if name not in PARTS
}
HELP: dict[str, str] = {
    name: next(n for n in HINTS[name].__metadata__ if isinstance(n, str)) for name in FIELDS
}
# Options of data sets that are so often given that they have a short name.
SHORT = {
    name: f"dataset.{name}"
    for name in (
        *(
            "target",
            "impute",
            "context",
            "drop",
            "numbers",
            "categories",
            "missing",
            "decimal",
            "thousands",
        ),
        *("encoding", "comment", "time", "series"),
    )
}
FULL_BATCH = 0  # how `full` is kept; nobody writes 0

Settings = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One value of a config: its dotted path, its value, its kind and whether it is the default."""

    path: str
    value: Any
    kind: str
    default: bool


# From settings to a config
# ----------------------------------------------------------------------------


def resolve(settings: Settings) -> tuple[RunConfig, frozenset[str]]:
    """Settings (flag -> text or value) as a checked config, and the nested settings that no chosen
    part has.

    Whoever calls decides about the latter: in a sweep another arm may use them. Raises UserError on
    anything else that is wrong.
    """
    nested: dict[str, dict[str, Any]] = {}
    for key, value in settings.items():
        if key in SHORT and SHORT[key] in settings:
            raise UserError(f"{key} is short for {SHORT[key]}; leave one of them out")
        head, dot, tail = SHORT.get(key, key).partition(".")
        if head not in FIELDS or (tail and head not in PARTS):
            raise UserError(f"unknown setting '{key}'; {nearest(key, [*FIELDS, *SHORT])}")
        if dot:
            nested.setdefault(head, {})[tail] = value
    values: dict[str, Any] = {}
    unused: set[str] = set()
    for name, registry in PARTS.items():
        text, own = settings.get(name, FIELDS[name].default), nested.get(name, {})
        values[name], left = (
            _regularizers(text, own)
            if name == "regularization"
            else _part(name, registry, text, own)
        )
        unused.update(f"{name}.{key}" for key in left)
    for name, opt in OPTIONS.items():
        if name in settings:
            values[name] = (
                _batch_size(settings[name])
                if name == "batch_size"
                else opt.parse(settings[name], name)
            )
    for name, registry in (("task", TASKS), ("loss", LOSSES)):
        if values.get(name, "auto") != "auto":
            registry.get(values[name])
    for name in values.get("metrics") or ():
        METRICS.get(name)
    return RunConfig(**values), frozenset(unused)


def _batch_size(text: Any) -> int:
    if text == "full":
        return FULL_BATCH
    try:
        size: int = OPTIONS["batch_size"].parse(text, "batch_size")
    except UserError as error:
        raise UserError(f"{error}, or full") from None
    return size


def _part(
    name: str, registry: Registry[Any], text: Any, nested: dict[str, Any]
) -> tuple[Component, set[str]]:
    """One chosen entry with its options, and the nested settings that it does not have."""
    if isinstance(text, Component):
        nested, text = {**dict(text.options), **nested}, text.name
    entry_name, inline = entry_and_options(registry, str(text))
    entry = registry.get(entry_name)
    if twice := next((key for key in nested if key in inline), None):
        raise UserError(f"{name}={text} sets {name}.{twice} already; leave one of them out")
    given = {**inline, **nested}
    unused = {key for key in nested if entry.option(key) is None}
    return _filled(entry, {k: v for k, v in given.items() if k not in unused}, name), unused


def _filled(entry: Entry, given: Mapping[str, Any], where: str) -> Component:
    """The entry with `given` options parsed and the others at their defaults."""
    values = tuple(given.items())
    try:
        return _filled_once(entry, values, tuple(map(type, given.values())), where)
    except TypeError:  # a value that cannot be a key
        return _filled_once.__wrapped__(entry, values, (), where)


@functools.lru_cache(maxsize=4096)  # the runs of a sweep have most of their parts in common
def _filled_once(
    entry: Entry, values: tuple[tuple[str, Any], ...], types: tuple[type, ...], where: str
) -> Component:
    """types: of the values, since 1 and True are one key."""
    given, options = dict(values), []
    for opt in entry.options:
        value = given.get(opt.name, opt.default)
        if value is REQUIRED:
            raise UserError(
                f"{where}: {entry.name} needs a value for {opt.name}: {opt.help or opt.name}"
            )
        options.append(
            (opt.name, opt.parse(value, f"{where}.{opt.name}") if opt.name in given else value)
        )
    return Component(entry.name, tuple(options))


def regularizers(text: str) -> tuple[Component, ...]:
    """A list such as `dropout=0.5,batch_norm` as parts."""
    return _regularizers(text, {})[0]


def _regularizers(text: Any, nested: dict[str, Any]) -> tuple[tuple[Component, ...], set[str]]:
    """`dropout=0.5,elastic_net(l1=1e-4,l2=1e-4)` and nested settings such as `dropout=0.1` as
    parts, by name."""
    chosen: dict[str, dict[str, Any]] = {}
    if isinstance(text, tuple):
        chosen = {part.name: dict(part.options) for part in text}
    elif str(text) != "none":
        for name, value in grammar.items(str(text)):
            member, options = regularizer_and_options(name, value)
            if member in chosen:
                raise UserError(f"regularization={text} names {member} twice")
            chosen[member] = options
    for key, value in nested.items():
        name, _, opt = key.partition(".")
        entry = REGULARIZERS.get(name)
        if not entry.options:
            raise UserError(f"regularization.{name} takes no value; write regularization={name}")
        opt = opt or entry.options[0].name
        if entry.option(opt) is None:
            raise UserError(
                f"regularization.{name} has no option '{opt}'; {nearest(opt, option_names(entry))}"
            )
        chosen.setdefault(name, {})[opt] = value
    parts = [
        _filled(REGULARIZERS.get(n), o, f"regularization.{n}") for n, o in sorted(chosen.items())
    ]
    return tuple(parts), set()


def inline_options(settings: Mapping[str, Any]) -> set[str]:
    """The options that stand in the text of a part: `dropout=0.5` of regularization has
    regularization.dropout.rate."""
    found: set[str] = set()
    for name, registry in PARTS.items():
        text = str(settings.get(name, "none"))
        if name != "regularization":
            found |= {f"{name}.{opt}" for opt in entry_and_options(registry, text)[1]}
        elif text != "none":
            members = [regularizer_and_options(*item) for item in grammar.items(text)]
            found |= {f"{name}.{member}.{opt}" for member, options in members for opt in options}
    return found


def canonical_path(path: str) -> str:
    """`regularization.dropout`, which is its first option, as `regularization.dropout.rate`; any
    other as it is."""
    head, _, name = path.partition(".")
    options = (
        REGULARIZERS.get(name).options if head == "regularization" and name in REGULARIZERS else ()
    )
    return f"{path}.{options[0].name}" if options else path


# From a config to its leaves
# --------------------------------------------------------------------------


@functools.lru_cache(maxsize=4)  # who plans a run asks several times
def leaves(config: RunConfig) -> tuple[Leaf, ...]:
    """Every leaf, in the order of the fields; an entry's options follow its name."""
    return tuple(_leaves(config))


def _leaves(config: RunConfig) -> Iterator[Leaf]:
    for name, field in FIELDS.items():
        value, kind = getattr(config, name), field.metadata["kind"]
        if name == "regularization":
            yield Leaf(name, tuple(part.name for part in value), kind, not value)
            for part in value:
                yield from _option_leaves(
                    f"{name}.{part.name}", REGULARIZERS.get(part.name), part, kind
                )
        elif name in PARTS:
            if not value.name:  # blanked out in a program's config
                continue
            yield Leaf(name, value.name, kind, value.name == field.default.name)
            yield from _option_leaves(name, PARTS[name].get(value.name), value, kind)
        else:
            default = value in (field.default, task_default(config.task, name))
            yield Leaf(name, value, kind, default)


def task_default(task: str, name: str) -> Any:
    """What a field without a value of its own becomes in runs of this task."""
    if name not in UNLESS_TASK_SAYS:
        return FIELDS[name].default
    defaults = TASKS.get(task).defaults if task != "auto" else {}
    return defaults.get(name, UNLESS_TASK_SAYS[name])


@functools.lru_cache(maxsize=4096)  # the runs of a sweep have most of their parts in common
def _option_leaves(prefix: str, entry: Entry, part: Component, kind: str) -> tuple[Leaf, ...]:
    made = []
    for opt_name, value in part.options:
        opt = entry.option(opt_name)
        assert opt is not None
        default = opt.default is not REQUIRED and value == opt.default
        made.append(Leaf(f"{prefix}.{opt_name}", value, NUMERIC if opt.numeric else kind, default))
    return tuple(made)


def to_flags(config: RunConfig) -> dict[str, str]:
    """The config as text by path, defaults included: what records keep, and `resolve` reads
    back."""
    texts: dict[str, str] = {}
    for leaf in leaves(config):
        texts[leaf.path] = format_value(leaf.value)
    texts["regularization"] = format_regularization(config.regularization)
    texts["batch_size"] = "full" if config.batch_size == FULL_BATCH else texts["batch_size"]
    return {k: v for k, v in texts.items() if not k.startswith("regularization.")}


def format_regularization(parts: tuple[Component, ...]) -> str:
    """The list as a flag takes it."""
    return ",".join(str(part) for part in parts) or "none"


def non_default(config: RunConfig) -> dict[str, str]:
    """Those of `to_flags` that are not the defaults: the flags that make this run."""
    texts, changed = to_flags(config), {leaf.path for leaf in leaves(config) if not leaf.default}
    return {path: text for path, text in texts.items() if path in changed}


def numeric(config: RunConfig) -> dict[str, float]:
    """The lane values that enter the program as arguments: numeric options of its parts and the
    learning rate."""
    return {
        leaf.path: float(leaf.value)
        for leaf in leaves(config)
        if leaf.kind == NUMERIC
        and isinstance(leaf.value, float)
        and not leaf.path.startswith("schedule.")
    }
