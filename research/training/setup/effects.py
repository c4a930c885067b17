"""Effects: whether every setting has something in the network to act on, and none undoes
another."""

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import flax.linen as nn
import jax

from research import config as config_lib
from research import param_tree
from research.config import FIELDS, FOLLOWING, RunConfig
from research.data.spec import DataSpec
from research.errors import ShapeError, UserError
from research.kernels import is_kernel
from research.registry import REGULARIZERS, Regularizer
from research.training.devices import batch_layout
from research.training.setup.lane_inputs import abstract_lane, make_program
from research.training.setup.program import Program
from research.training.setup.warm_start import matches
from research.training.step import network, norm_statistics
from research.training.step.state import Lane

# What a network must have for a regularizer to act in it, by what `site_of` it says.
SITES = {
    "hidden": "hidden units",
    "input": "an input site",
    "attention": "attention weights (a vit has them)",
    "recurrent": "states that are handed on from step to step (rnn, lstm and gru have them)",
    "branch": "residual branches (an mlp has them with --arch.residual)",
    "normalization": "hidden layers to normalize",
    "kernels": "kernels (the weights of layers)",
}
# The slots whose members act on kernels in the forward pass; what a frozen kernel is used for, they
# change too.
_FORWARD = ("parameters",)
_KERNEL_SITES = {
    "parameters": ("kernels", "reparametrization"),
    "loss": ("kernels",),
    "update": ("decay", "independent"),
    "projection": ("norm", "proximal"),
}


def check(config: RunConfig, program: Program) -> None:
    """Raises UserError with the first setting that would have no effect, or batches too small to
    normalize over."""
    traced = _trace(_seen(config, program), program.spec)
    for member in config.regularization:
        needed = site_of(REGULARIZERS.get(member.name))
        if needed in SITES and needed not in traced.sites:
            raise UserError(
                f"{member.name} acts on {SITES[needed]}, and arch={config.arch.name} has none; it"
                " would have no effect"
            )
    _check_statistics(config, program)
    _check_owners(program, traced)
    for player, (_, view) in zip(program.game.players, config_lib.views(config), strict=True):
        kernels = tuple(name for name in traced.kernels if re.search(player.owns, name))
        of_player = dataclasses.replace(traced, kernels=kernels)
        _check_decay(view, of_player)
        _check_frozen(view, of_player)
    _check_batches(config, program, traced)


def _check_statistics(config: RunConfig, program: Program) -> None:
    """An average says what becomes of batch norm's statistics only where it decides that."""
    for member in config.regularization:
        option = REGULARIZERS.get(member.name).option("statistics")
        if option is None or member["statistics"] == option.default:
            continue
        setting = f"statistics={member['statistics']} of {member.name}"
        if not any(other.name == "batch_norm" for other in config.regularization):
            raise UserError(
                f"{setting} is about batch norm, and arch={config.arch.name} has none; leave it out"
            )
        # The engine averages the statistics of these runs whatever the option says.
        if not norm_statistics.has_one_network(program):
            raise UserError(
                f"{setting} applies only to rows and one player, and objective="
                f"{config.objective.name} has others; leave it out, and they are averaged"
            )


def site_of(entry: Regularizer) -> str:
    """The site at which a regularizer acts inside the network or on its kernels, "" where it acts
    elsewhere."""
    if entry.slot == "normalization":
        return "normalization"
    if entry.site in _KERNEL_SITES.get(entry.slot, ()):
        return "kernels"
    if entry.site == "residual":
        return "branch"
    return entry.site if entry.slot in ("activations", "loss") else ""


@dataclasses.dataclass(frozen=True)
class _Traced:
    """What a network has. sites: of SITES. params, kernels, statistics: leaves by name. alone: the
    names of the layers that normalize over examples only, having a single place."""

    sites: frozenset[str]
    params: tuple[str, ...]
    kernels: tuple[str, ...]
    statistics: tuple[str, ...]
    alone: tuple[str, ...]


def _check_owners(program: Program, traced: _Traced) -> None:
    """Every parameter has one player that owns it, and every player has a parameter."""
    players = program.game.players
    if len(players) == 1:  # a network without parameters is no error here
        return
    arch, objective = program.config.arch.name, program.config.objective.name
    owners = {
        name: [player.name for player in players if re.search(player.owns, name)]
        for name in traced.params
    }
    for player in players:
        if not any(player.name in names for names in owners.values()):
            raise UserError(
                f"the {player.name} of objective={objective} owns the parameters named"
                f" '{player.owns}', and arch={arch} has none; it has"
                f" {', '.join(traced.params[:4]) or 'no parameters'}"
            )
    for name, names in owners.items():
        if len(names) != 1:
            by = " and ".join(names) or "no player"
            raise UserError(
                f"the parameter {name} of arch={arch} belongs to {by} of objective={objective};"
                " it needs one player"
            )


def _check_decay(config: RunConfig, traced: _Traced) -> None:
    """The optimizer decays, or orthogonalizes, something."""
    if traced.kernels:
        return
    optimizer = config.optimizer
    for option, value in optimizer.options:
        if option.endswith("weight_decay") and value:
            raise UserError(
                f"{optimizer.name} decays kernels ({option}={value:g}), and arch={config.arch.name}"
                f" has none; write --optimizer.{option}=0"
            )
    if optimizer.name == "muon":
        raise UserError(
            f"muon is for kernels, and arch={config.arch.name} has none, so it would be"
            " adam; write --optimizer=adam"
        )


def _check_frozen(config: RunConfig, traced: _Traced) -> None:
    """What acts on kernels as they are trained has some that are."""
    if config.freeze is None or not all(
        matches("freeze", config.freeze, name) for name in traced.kernels
    ):
        return
    for name in _training_kernels(config):
        raise UserError(
            f"{name} acts on kernels, and freeze='{config.freeze}' leaves none to train; leave"
            " one out"
        )


def _training_kernels(config: RunConfig) -> Iterator[str]:
    """The settings that act on kernels while they train."""
    for member in config.regularization:
        entry = REGULARIZERS.get(member.name)
        if site_of(entry) == "kernels" and entry.slot not in _FORWARD:
            yield member.name
    for option, value in config.optimizer.options:
        if option.endswith("weight_decay") and value:
            yield f"optimizer.{option}={value:g}"


def _check_batches(config: RunConfig, program: Program, traced: _Traced) -> None:
    """Batch norm has more than one value a channel in every update, so that it does not make all of
    them zero."""
    # A step is cut into the batches of its rounds, and each of these into the parts of accumulate.
    sizes, parts = program.sizes, program.parts
    if not any(member.name == "batch_norm" for member in config.regularization):
        return
    if 1 not in batch_layout.real_rows(sizes, parts):
        return
    for layer in traced.alone:
        statistics = [name for name in traced.statistics if name.startswith(layer)]
        if config.freeze is not None and all(
            matches("freeze", config.freeze, name) for name in statistics
        ):
            continue  # normalizes by its running statistics
        where = f"an update of batch_size={program.rows_per_update}"
        if 1 not in batch_layout.real_rows(dataclasses.replace(sizes, remainder="drop"), parts):
            where = f"the last of the {sizes.train} training rows in batches of {sizes.batch}"
        accumulate = config.accumulate
        where += f", in accumulate={accumulate} parts," if accumulate > 1 else ""
        raise ShapeError(
            f"batch norm over one value per channel gives only zeros, and {where} leaves it"
            " one row; use"
            " another --batch_size, --remainder=drop, a smaller --accumulate or another"
            " normalization"
        )


def _seen(config: RunConfig, program: Program) -> RunConfig:
    """The config with the defaults of what a network in evaluation knows nothing of: many runs have
    the same then.

    Of the data slot the network sees no more than the shape that it gives the examples.
    """
    unseen: dict[str, Any] = {
        name: FIELDS[name].default
        for name in (
            "optimizer",
            "learning_rate",
            "schedule",
            "label_noise",
            "seed",
            *FOLLOWING,
            "freeze",
            "batch_size",
            "objective",
            "class_weight",
            "bootstrap",
            "inner_fold",
        )
    }
    unseen["players"] = ()
    raw = jax.tree.leaves(program.spec.inputs.placeholder())
    # Not run: compiling even this takes a tenth of a second of each start.
    seen = jax.tree.leaves(jax.eval_shape(functools.partial(network.example, program)))
    reshaped = [leaf.shape[1:] for leaf in seen] != [leaf.shape for leaf in raw]
    slots = ("data", "normalization") if reshaped else ("normalization",)
    members = [
        member for member in config.regularization if REGULARIZERS.get(member.name).slot in slots
    ]
    return dataclasses.replace(config, regularization=tuple(members), **unseen)


def _without_dropout(call: Callable[..., Any], arguments: Any, named: Any, context: Any) -> Any:
    """Calls a module's method. Raises ValueError if it is flax's Dropout, which no regularizer sets
    and no lane owns.

    That is an error in the line of a network, and not a setting that is wrong.
    """
    if isinstance(context.module, nn.Dropout):
        raise ValueError(
            "flax's nn.Dropout has a rate and a key of its own; write Site('hidden')(h, fwd) in its"
            " place (research.models.layers.sites) and give --regularization=dropout=0.5"
        )
    return call(*arguments, **named)


# Cached, since many runs of a sweep have the same network, and tracing is slow.
@functools.lru_cache(maxsize=256)
def _trace(config: RunConfig, spec: DataSpec) -> _Traced:
    """What the network has, by tracing it without running it."""
    program = make_program(config, spec)

    def trace(lane: Lane) -> object:
        x = network.example(program)
        keys = {"params": jax.random.key(0)}
        with nn.intercept_methods(_without_dropout):
            return program.model.init(keys, x, network.forward(program, lane, None), mutable=True)

    with program.precision_context():
        collections: Any = jax.eval_shape(trace, abstract_lane(config, program))
    sites: set[str] = set()
    alone = []
    for path, leaf in jax.tree_util.tree_leaves_with_path(collections.get("sites", {})):
        names = param_tree.module_names(path)
        sites.update(names)
        if names[-1] == "normalization" and math.prod(leaf.shape[1:]) == 1:
            alone.append("/".join([*names[:-1], ""]))
    params = jax.tree_util.tree_leaves_with_path(collections.get("params", {}))
    kernels = tuple(param_tree.leaf_name(path) for path, _ in params if is_kernel(path))
    return _Traced(
        frozenset({*sites, *(["kernels"] if kernels else [])}),
        tuple(param_tree.leaf_name(path) for path, _ in params),
        kernels,
        tuple(param_tree.by_name(collections.get("batch_stats", {}))),
        tuple(alone),
    )
