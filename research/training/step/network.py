"""Network: a program's model as pure functions of one lane, from its initial variables to its
predictions."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from research import rng
from research.data.features.feature import Fitted
from research.errors import UserError
from research.kernels import map_kernels_with_key
from research.models.layers.forward import Forward, Member
from research.registry import LOSSES, REGULARIZERS
from research.training.setup.program import Program, placeholder, regularizer
from research.training.step.state import Lane, Tree, Variables

# Streams of the network's own random layers, beside the regularizers'.
LAYER_STREAMS = ("rrelu", "stochastic_pool", "latent")


def forward(program: Program, lane: Lane, index: jax.Array | None, **share: Any) -> Forward:
    """The Forward of a training pass or of an evaluation.

    Args:
        program: the lane's program.
        lane: its inputs.
        index: the examples' positions in the global batch, [B]; None: an evaluation.
        **share: weight, total and axis, where the pass does not see the whole batch, or sees
        padding; and other fields.
    """
    members: list[Member] = []
    values: dict[str, dict[str, jax.Array]] = {}
    for slot in ("normalization", "activations", "loss"):
        for member in program.members(slot):
            prefix = f"regularization.{member.name}."
            members.append(
                (member.name, tuple(o for o in member.options if prefix + o[0] not in lane.hparams))
            )
            values[member.name] = {
                o: lane.hparams[prefix + o] for o, _ in member.options if prefix + o in lane.hparams
            }
    numbers = {
        o: lane.hparams[f"arch.{o}"]
        for o, _ in program.config.arch.options
        if f"arch.{o}" in lane.hparams
    }
    # Only the network computes in bfloat16; parameters and optimizer state stay wider.
    dtype = jnp.bfloat16 if program.config.precision == "bfloat16" else program.dtype
    return Forward(
        train=index is not None,
        members=tuple(members),
        values=values,
        numbers=numbers,
        dtype=dtype,
        index=index,
        frozen=program.config.freeze,
        masked=program.masked,
        constants=lane.constants,
        **share,
    )


def init(program: Program, lane: Lane) -> Variables:
    """The initial variables; kernels that are reparametrised are split here.

    They are drawn in float32, so that every precision starts from the same numbers.
    """
    x = example(program)
    keys = {"params": rng.stream(lane.init_seed, "init")}
    model = program.model
    outputs, variables = model.init_with_output(
        keys, x, forward(program, lane, None), mutable=["params", "batch_stats"]
    )
    _check_outputs(program, outputs)
    variables = jax.tree.map(lambda leaf: leaf.astype(program.dtype), variables)
    params = variables.get("params", {})
    for member in program.members("parameters", "reparametrization"):
        params = _split_kernels(params, regularizer(member, lane).split)
    return Variables(params, variables.get("batch_stats", {}))


def _check_outputs(program: Program, outputs: Any) -> None:
    """Raises UserError if outputs of one example are not [1, ..., K], K the loss's width, or [1, M,
    K] of M members."""
    loss, name = LOSSES.get(program.config.loss), program.config.arch.name
    members = [] if program.members_inside is None else [program.members_inside]
    *expected, width = 1, *program.spec.targets.shape, *members, loss.outputs(program.width)
    if not hasattr(outputs, "shape"):
        raise UserError(
            f"arch={name} returns a {type(outputs).__name__}, not outputs [B, ..., {width}]"
        )
    *leading, last = outputs.shape or (0,)
    if leading != expected or (last < width if loss.latents else last != width):
        shape = ", ".join(map(str, ("B", *expected[1:], width)))
        raise UserError(
            f"arch={name} returns {list(outputs.shape)} of one example; expected [{shape}]"
        )


def example(program: Program) -> jax.Array:
    """A batch of one example of zeros as the network sees it, after the data slot in evaluation."""

    def one(x: jax.Array) -> jax.Array:
        for member in program.members("data"):
            entry = REGULARIZERS.get(member.name)
            x = entry.build(
                **{name: placeholder(entry, name, value) for name, value in member.options}
            )(x, None, False)
        return x

    # Traced and not run: an augmentation may be slow, and only its shape matters.
    raw = program.spec.inputs.placeholder()
    return jax.tree.map(
        lambda seen, raw: jnp.zeros((1, *seen.shape), raw.dtype), jax.eval_shape(one, raw), raw
    )


def _split_kernels(params: Tree, split: Any) -> Tree:
    return map_kernels_with_key(
        # The split draws nothing; the key only fits the signature. Threefry is named, because a
        # default that the user changes would change the key's shape.
        lambda w, key: split(w),
        params,
        jax.random.key(0, impl="threefry2x32"),
    )


def joined_kernels(program: Program, lane: Lane, params: Tree) -> Tree:
    """The parameters as the network multiplies with them: reparametrised kernels joined.

    Args:
        program: the lane's program.
        lane: its inputs.
        params: the parameters as they are trained.
    """
    for member in program.members("parameters", "reparametrization"):
        params = _join_kernels(params, regularizer(member, lane).join)
    return params


def _join_kernels(params: Tree, join: Callable[[Tree], jax.Array]) -> Tree:
    def is_split(node: Tree) -> bool:
        return isinstance(node, dict) and set(node) == {"direction", "scale"}

    return jax.tree.map(
        lambda node: join(node) if is_split(node) else node, params, is_leaf=is_split
    )


def cast_to_compute(program: Program, tree: Tree) -> Tree:
    """Parameters and inputs as the network computes with them; tokens stay what they are."""
    if program.config.precision != "bfloat16":
        return tree

    def narrow(leaf: jax.Array) -> jax.Array:
        return leaf.astype(jnp.bfloat16) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    return jax.tree.map(narrow, tree)


def normalize_inputs(program: Program, lane: Lane, x: jax.Array) -> jax.Array:
    """Inputs filled and scaled, in the program's dtype; tokens stay as they are.

    Args:
        program: the lane's program.
        lane: its inputs, with fill, shift and scale.
        x: raw inputs [B, ...].
    """
    fitted = Fitted(lane.fill, lane.shift, lane.scale, lane.statistics)
    return program.spec.inputs.normalize(x, fitted, program.dtype)


def predict(program: Program, variables: Variables, lane: Lane, x: jax.Array) -> jax.Array:
    """The outputs [B, ..., K] that the loss reads, in evaluation; [B, M, K] of M members.

    Args:
        program: the lane's program.
        variables: its parameters.
        lane: its inputs.
        x: raw inputs [B, ...].
    """
    return _applied(program, variables, lane, x, {})[0]


def decode_step(
    program: Program,
    variables: Variables,
    lane: Lane,
    x: jax.Array,
    cache: Tree,
    start: jax.Array | None = None,
) -> tuple[jax.Array, Tree]:
    """The next T steps of sequences, for a network that keeps what it needs of the steps before.

    Args:
        program: what the lanes have in common.
        variables: the run's variables.
        lane: the run's lane.
        x: the inputs of these steps, [B, T, ...].
        cache: what the steps so far left; at first {}.
        start: the position of x[:, 0], int32 [], for a network that `caches` keys and values; None
            for one that `carries` its state.

    Returns:
        The outputs [B, T, K], and the new cache.
    """
    return _applied(program, variables, lane, x, cache, mutable=["cache"], start=start)


def recomputed_statistics(
    program: Program, variables: Variables, lane: Lane, x: jax.Array, **share: Any
) -> Tree:
    """The statistics of a batch that the network's batch norms normalize by; {} if it has none.

    Without noise and augmentation: evaluation has neither.

    Args:
        program: what the lanes have in common.
        variables: the run's variables.
        lane: the run's lane.
        x: raw inputs, [B, ...].
        **share: as `forward` takes it.
    """
    _, collections = _applied(
        program, variables, lane, x, {}, mutable=["recomputed"], recompute=True, **share
    )
    return collections.get("recomputed", {})


def attention(program: Program, variables: Variables, lane: Lane, x: jax.Array) -> Tree:
    """The weights of the network's attention; {} if it has none.

    Args:
        program: what the lanes have in common.
        variables: the run's variables.
        lane: the run's lane.
        x: raw inputs, [B, ...].

    Returns:
        The weights by layer, [B, ..., T, S].
    """
    return _applied(program, variables, lane, x, {}, mutable=["attention"])[1].get("attention", {})


def intermediates(program: Program, variables: Variables, lane: Lane, x: jax.Array) -> Tree:
    """What each layer of the network returns.

    Args:
        program: what the lanes have in common.
        variables: the run's variables.
        lane: the run's lane.
        x: raw inputs, [B, ...].

    Returns:
        Per layer a tuple of what its calls returned, under `__call__`.
    """
    collections = _applied(program, variables, lane, x, {}, mutable=["intermediates"])[1]
    return collections.get("intermediates", {})


def _applied(
    program: Program,
    variables: Variables,
    lane: Lane,
    x: jax.Array,
    more: Tree,
    mutable: Sequence[str] = (),
    start: jax.Array | None = None,
    **how: Any,
) -> tuple[jax.Array, Tree]:
    """(outputs, the mutable collections) of raw inputs in evaluation; more: collections beside the
    variables; how: further fields of the Forward."""
    x = normalize_inputs(program, lane, x)
    for member in program.members("data"):
        transform = regularizer(member, lane)
        x = jax.vmap(lambda one, t=transform: t(one, None, False))(x)
    params, x = cast_to_compute(program, (joined_kernels(program, lane, variables.params), x))
    collections = {"params": params, "batch_stats": variables.batch_stats, **more}
    positions = () if start is None else (start,)
    result: Any = program.model.apply(
        collections,
        x,
        forward(program, lane, None, **how),
        *positions,
        mutable=list(mutable) or False,
        capture_intermediates="intermediates" in mutable,
    )
    outputs, left = result if mutable else (result, {})
    return outputs.astype(program.dtype), left
