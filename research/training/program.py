"""Program: what a config's static leaves fix; its network, loss and update as pure functions of one lane."""

import contextlib
import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from research import config as config_lib
from research import identity, rng
from research.config import NUMERIC, Part, RunConfig
from research.data.spec import DataSpec
from research.kernels import map_kernels_with_key
from research.models.layers.forward import Forward, Member
from research.options import format_value
from research.registry import ARCHITECTURES, LOSSES, OPTIMIZERS, REGULARIZERS, SLOTS, TASKS
from research.registry import Optimizer as OptimizerEntry
from research.tasks.problem import Problem, mean_over_steps
from research.training.state import Lane, Tree, Variables

# Streams of the network's own random layers, beside the regularizers'.
LAYER_STREAMS = ("rrelu", "stochastic_pool", "latent")


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Rows of each split, the batch, and what becomes of the rows that fill no batch: `drop` or `pad`."""

    train: int
    validation: int
    test: int
    batch: int
    remainder: str = "drop"

    @property
    def steps_per_epoch(self) -> int:
        """Updates an epoch; rows that fill no batch wait for another epoch's order, or are a smaller last batch."""
        return -(-self.train // self.batch) if self.remainder == "pad" else self.train // self.batch

    @property
    def real(self) -> int:
        """Rows that an epoch's updates read, padding apart."""
        return min(self.train, self.steps_per_epoch * self.batch)


@dataclasses.dataclass(frozen=True)
class Program:
    """One compiled train step's worth of decisions. Equal programs share their compiled code.

    config is the config with every numeric leaf blanked out, so that no number can be baked in.
    """

    config: RunConfig
    spec: DataSpec
    sizes: Sizes

    @functools.cached_property
    def id(self) -> str:
        """A digest of all that shapes the program."""
        spec = self.spec
        shapes = [list(spec.shape), len(spec.classes), dataclasses.astuple(self.sizes), self.config.epochs]
        if spec.vocabulary or spec.target_shape:
            shapes += [len(spec.vocabulary), list(spec.target_shape), *([spec.source] if spec.source else [])]
        return identity.digest([identity.static_id(self.config), shapes])

    @property
    def width(self) -> int:
        """C: classes, or the inputs that are to be reconstructed, or 1 for a number."""
        return math.prod(self.spec.shape) if self.spec.reconstructs else max(len(self.spec.classes), 1)

    @property
    def steps(self) -> int:
        """Updates of a whole run."""
        return self.config.epochs * self.sizes.steps_per_epoch

    @property
    def dtype(self) -> np.dtype:
        """Of parameters, optimizer state, statistics and losses."""
        return np.dtype(np.float64 if self.config.precision == "float64" else np.float32)

    @contextlib.contextmanager
    def numbers(self) -> Iterator[None]:
        """JAX's settings for the program's precision: needed around all that makes its arrays or traces its code.

        They are of the thread that enters.
        """
        matmul = "tensorfloat32" if self.config.precision == "tf32" else "highest"
        with jax.enable_x64(self.config.precision == "float64"), jax.default_matmul_precision(matmul):
            yield

    @functools.cached_property
    def problem(self) -> Problem:
        return TASKS.get(self.config.task).build()

    @functools.cached_property
    def model(self) -> nn.Module:
        outputs = LOSSES.get(self.config.loss).outputs(self.width)
        entry = ARCHITECTURES.get(self.config.arch.name)
        spec = self.spec
        told = {
            "vocabulary": len(spec.vocabulary) or None,
            "per_step": bool(spec.target_shape),
            "source": spec.source,
            "padded": spec.padded,
        }
        asked = {name: told[name] for name in entry.asks}
        return entry.build(outputs=outputs, **asked, **dict(self.config.arch.options))

    def members(self, slot: str, site: str | None = None) -> Iterator[Part]:
        """The regularizers of a slot (and site), in their order."""
        for part in self.config.regularization:
            entry = REGULARIZERS.get(part.name)
            if entry.slot == slot and site in (None, entry.site):
                yield part

    @functools.cached_property
    def has_stopping(self) -> bool:
        return any(self.members("stopping"))

    @functools.cached_property
    def has_mean(self) -> bool:
        return any(self.members("average"))


def blank(config: RunConfig) -> RunConfig:
    """The config without its numeric leaves: what the lanes of a program have in common."""

    def blank_part(part: Part, registry: Any, kind: str) -> Part:
        if kind == NUMERIC:
            return Part("")
        entry = registry.get(part.name)
        return Part(part.name, tuple((k, None if entry.option(k).numeric else v) for k, v in part.options))

    changes: dict[str, Any] = {}
    for name, field in config_lib.FIELDS.items():
        value, kind = getattr(config, name), field.metadata["kind"]
        if isinstance(value, tuple):
            changes[name] = tuple(blank_part(part, REGULARIZERS, kind) for part in value)
        elif isinstance(value, Part):
            changes[name] = blank_part(value, config_lib.PARTS[name], kind)
        elif kind == NUMERIC:
            changes[name] = None
    return dataclasses.replace(config, **changes)


def built(part: Part, build: Callable[..., Any], path: str, hparams: dict[str, jax.Array]) -> Any:
    """What an entry's builder makes of its static options and the lane's values."""
    return build(**options(part, path, hparams))


def options(part: Part, path: str, hparams: dict[str, jax.Array]) -> dict[str, Any]:
    """The part's options, the numeric ones as the lane's values."""
    return {name: hparams.get(f"{path}.{name}", value) for name, value in part.options}


def regularizer(part: Part, lane: Lane) -> Any:
    """A regularizer's transformation at the lane's strength."""
    return built(part, REGULARIZERS.get(part.name).build, f"regularization.{part.name}", lane.hparams)


# The network ------------------------------------------------------------------------------------------


def forward(program: Program, lane: Lane, index: jax.Array | None, **share: Any) -> Forward:
    """The Forward of a training pass over examples `index` [B] of the global batch, or of an evaluation (None).

    share: weight, total and axis, where the pass does not see the whole batch, or sees padding.
    """
    members: list[Member] = []
    values: dict[str, dict[str, jax.Array]] = {}
    for slot in ("normalization", "activations", "loss"):
        for part in program.members(slot):
            prefix = f"regularization.{part.name}."
            members.append((part.name, tuple(o for o in part.options if prefix + o[0] not in lane.hparams)))
            values[part.name] = {o: lane.hparams[prefix + o] for o, _ in part.options if prefix + o in lane.hparams}
    numbers = {o: lane.hparams[f"arch.{o}"] for o, _ in program.config.arch.options if f"arch.{o}" in lane.hparams}
    dtype = jnp.bfloat16 if program.config.precision == "bfloat16" else program.dtype
    return Forward(
        train=index is not None,
        members=tuple(members),
        values=values,
        numbers=numbers,
        dtype=dtype,
        index=index,
        **share,
    )


def init(program: Program, lane: Lane) -> Variables:
    """The initial variables; kernels that are reparametrised are split here.

    They are drawn in float32, so that every precision starts from the same numbers.
    """
    x = example(program)
    keys = {"params": rng.stream(lane.seed, "init")}
    made = program.model.init(keys, x, forward(program, lane, None), mutable=["params", "batch_stats"])
    made = jax.tree.map(lambda leaf: leaf.astype(program.dtype), made)
    params = made.get("params", {})
    for part in program.members("parameters", "reparametrization"):
        params = _split_kernels(params, regularizer(part, lane).split)
    return Variables(params, made.get("batch_stats", {}))


def example(program: Program) -> jax.Array:
    """A batch of one example of zeros as the network sees it, after the data slot in evaluation."""
    dtype = jnp.int32 if program.spec.vocabulary else jnp.float32

    def one(x: jax.Array) -> jax.Array:
        for part in program.members("data"):
            transform = REGULARIZERS.get(part.name).build(**{o: 0.0 if v is None else v for o, v in part.options})
            x = transform(x, None, False)
        return x

    shape = jax.eval_shape(one, jax.ShapeDtypeStruct(program.spec.shape, dtype)).shape
    return jnp.zeros((1, *shape), dtype)


def _split_kernels(params: Tree, split: Any) -> Tree:
    return map_kernels_with_key(lambda w, key: split(w), params, jax.random.key(0, impl="threefry2x32"))


def effective(program: Program, lane: Lane, params: Tree) -> Tree:
    """The parameters as the network multiplies with them: reparametrised kernels joined."""
    for part in program.members("parameters", "reparametrization"):
        params = _join_kernels(params, regularizer(part, lane).join)
    return params


def _join_kernels(params: Tree, join: Callable[[Tree], jax.Array]) -> Tree:
    def is_split(node: Tree) -> bool:
        return isinstance(node, dict) and set(node) == {"direction", "scale"}

    return jax.tree.map(lambda node: join(node) if is_split(node) else node, params, is_leaf=is_split)


def rounded(program: Program, tree: Tree) -> Tree:
    """Parameters and inputs as the network computes with them; tokens stay what they are."""
    if program.config.precision != "bfloat16":
        return tree

    def narrow(leaf: jax.Array) -> jax.Array:
        return leaf.astype(jnp.bfloat16) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    return jax.tree.map(narrow, tree)


def scaled(program: Program, lane: Lane, x: jax.Array) -> jax.Array:
    """Raw inputs [B, ...] filled and scaled, in the program's dtype; tokens as they are."""
    if program.spec.vocabulary:
        return x
    if program.spec.impute:
        x = jnp.where(jnp.isnan(x), lane.fill, x)
    return (x.astype(program.dtype) - lane.shift) / lane.scale


def predict(program: Program, variables: Variables, lane: Lane, x: jax.Array) -> jax.Array:
    """Raw inputs [B, ...] -> the loss's outputs [B, ..., K], in evaluation."""
    return _applied(program, variables, lane, x, {})[0]


def advance(program: Program, variables: Variables, lane: Lane, x: jax.Array, cache: Tree) -> tuple[jax.Array, Tree]:
    """(outputs [B, T, K], cache) of the next T steps of sequences whose steps so far left `cache`, at first {}.

    For a network that `carries` its state.
    """
    outputs, left = _applied(program, variables, lane, x, cache, mutable=["cache"])
    return outputs, left


def attention(program: Program, variables: Variables, lane: Lane, x: jax.Array) -> Tree:
    """The weights that the network's attention leaves of raw inputs [B, ...], [B, ..., T, S] by layer; {} of none."""
    return _applied(program, variables, lane, x, {}, mutable=["attention"])[1].get("attention", {})


def _applied(
    program: Program, variables: Variables, lane: Lane, x: jax.Array, more: Tree, mutable: Sequence[str] = ()
) -> tuple[jax.Array, Tree]:
    """(outputs, the mutable collections) of raw inputs in evaluation; more: collections beside the variables."""
    x = scaled(program, lane, x)
    for part in program.members("data"):
        transform = regularizer(part, lane)
        x = jax.vmap(lambda one, t=transform: t(one, None, False))(x)
    params, x = rounded(program, (effective(program, lane, variables.params), x))
    collections = {"params": params, "batch_stats": variables.batch_stats, **more}
    made: Any = program.model.apply(collections, x, forward(program, lane, None), mutable=list(mutable) or False)
    outputs, left = made if mutable else (made, {})
    return outputs.astype(program.dtype), left


def scores(program: Program, lane: Lane, outputs: jax.Array) -> jax.Array:
    """The loss's outputs [B, ..., K] as what the metrics read, [B, ..., C], in the data's units."""
    as_scores = LOSSES.get(program.config.loss).scores(outputs, program.width)
    return program.problem.decode(as_scores, lane.target_shift, lane.target_scale)


def truth(program: Program, x: jax.Array, y: Any) -> Any:
    """What metrics compare with: labels y [B, ...], or the scaled inputs x as [B, D] where these are the targets."""
    return x.reshape(len(x), -1) if program.spec.reconstructs else y


def metrics(program: Program, lane: Lane, outputs: jax.Array, y: jax.Array, targets: jax.Array) -> dict[str, jax.Array]:
    """The task's metrics of each example, and what else its loss tells, by name, [B].

    outputs: [B, ..., K]; y: what `truth` says [B, ...]; targets: y encoded [B, ..., C].
    """
    problem = program.problem
    found = problem.in_unit(problem.example_metrics(scores(program, lane, outputs), y), lane.unit)
    own = LOSSES.get(program.config.loss).metrics
    return found | {name: metric(outputs, targets) for name, metric in own.items()}


def metric_names(program: Program) -> list[str]:
    """The names of `metrics`."""
    spec, problem, width = program.spec, program.problem, (program.width,)
    outputs = jnp.zeros((1, *spec.target_shape, *width))
    y = jnp.zeros((1, *(width if spec.reconstructs else spec.target_shape)), jnp.int32 if spec.classes else jnp.float32)
    of_task = jax.eval_shape(lambda s, y: problem.in_unit(problem.example_metrics(s, y), jnp.ones(())), outputs, y)
    return [*of_task, *LOSSES.get(program.config.loss).metrics]


def encoded(program: Program, lane: Lane, y: jax.Array) -> jax.Array:
    """Labels or values [B, ...] as targets [B, ..., C]."""
    return program.problem.encode(y, program.width, lane.target_shift, lane.target_scale)


def losses(program: Program, outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """The loss of each example, [B]: the mean over its real steps of outputs [B, ..., K] and targets [B, ..., C]."""
    loss, real = LOSSES.get(program.config.loss).build(), program.problem.real
    if outputs.ndim == 2:
        return loss(outputs, targets)
    if real is None:
        return mean_over_steps(loss(outputs, targets))
    with_target = real(targets)
    # A target that is not there may be NaN, which a gradient would carry on.
    return mean_over_steps(loss(outputs, jnp.where(with_target[..., None], targets, 0)), with_target)


def assess(program: Program, variables: Variables, lane: Lane, x: jax.Array, y: Any) -> dict[str, jax.Array]:
    """What evaluation keeps of examples x [B, ...]: the loss's outputs and the metrics' scores, [B, ..., K or C].

    Where these are too many to keep, the loss and the task's metrics of each example, [B], in their place; y [B, ...]
    is read only then.
    """
    outputs = predict(program, variables, lane, x)
    if program.problem.summary is not None:
        return {"outputs": outputs, "scores": scores(program, lane, outputs)}
    y = truth(program, scaled(program, lane, x), y)
    targets = encoded(program, lane, y)
    return {"loss": losses(program, outputs, targets), **metrics(program, lane, outputs, y, targets)}


# The update -------------------------------------------------------------------------------------------


def optimizer_entry(program: Program) -> OptimizerEntry:
    return OPTIMIZERS.get(program.config.optimizer.name)


def chain(program: Program, lane: Lane) -> list[tuple[str, optax.GradientTransformationExtraArgs]]:
    """The update as named transformations, in their order; the learning rate is one of them."""
    optimizer = built(program.config.optimizer, optimizer_entry(program).build, "optimizer", lane.hparams)
    named: list[tuple[str, optax.GradientTransformation]] = []
    named += [(part.name, regularizer(part, lane)) for part in program.members("update", "gradient")]
    named += [("optimizer", optimizer)]
    named += [(part.name, regularizer(part, lane)) for part in program.members("update", "decay")]
    named += [("learning_rate", _by_learning_rate())]
    named += [(part.name, regularizer(part, lane)) for part in program.members("update", "independent")]
    return [(name, optax.with_extra_args_support(transform)) for name, transform in named]


def _by_learning_rate() -> optax.GradientTransformationExtraArgs:
    """Times minus the learning rate, which arrives with the update."""

    def update(updates: Tree, state: Any, params: Tree = None, *, learning_rate: jax.Array, **_: Any) -> Any:
        return jax.tree.map(lambda u: -learning_rate * u, updates), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)


def describe_slots(config: RunConfig) -> list[tuple[str, str]]:
    """(slot, its regularizers) in the order in which the engine applies them."""
    rows = []
    for slot in SLOTS:
        parts = [str(p) for p in config.regularization if REGULARIZERS.get(p.name).slot == slot]
        if slot == "update":
            gradient = [str(p) for p in config.regularization if REGULARIZERS.get(p.name).site == "gradient"]
            after = [p for p in parts if p not in gradient]
            options = ",".join(f"{k}={format_value(v)}" for k, v in config.optimizer.options)
            parts = [*gradient, f"{config.optimizer.name}({options})", *after]
        rows.append((slot, " -> ".join(parts) or "-"))
    return rows
