"""Program: what a config's static leaves determine, and so what the lanes of one compiled step
share."""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import flax.linen as nn
import jax
import numpy as np

from research import config as config_lib
from research import identity
from research.baselines.estimator import Fit, Predict
from research.class_weight import BALANCED
from research.config import NUMERIC, STATIC, Component, RunConfig
from research.data import masks
from research.data.environments.collected import EPISODES
from research.data.environments.world import World
from research.data.spec import DataSpec
from research.options import REQUIRED
from research.registry import (
    ARCHITECTURES,
    DATASETS,
    LOSSES,
    OBJECTIVES,
    OPTIMIZERS,
    REGULARIZERS,
    Entry,
    Environment,
    HostEstimator,
)
from research.regularization.stopping import LOSS
from research.run_config import PlayerSettings
from research.tasks.metrics import measured_problem
from research.tasks.objectives.game import Game, Player
from research.tasks.problem import Problem
from research.training.setup import host
from research.training.step.state import Lane


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Rows of each split, the batch, and what becomes of the rows that fill no batch: `drop` or
    `pad`.

    fewest: where folds differ in size, the fewest (training, validation, test) rows of one; the
        others are then the most.
    updates: of an epoch in an environment, which has no training rows; its validation and test rows
        are episodes.
    """

    train: int
    validation: int
    test: int
    batch: int
    remainder: str = "drop"
    fewest: tuple[int, ...] = ()
    updates: int = 0

    @property
    def uneven(self) -> bool:
        """Whether lanes may have other numbers of rows, so that missing ones are masked."""
        return bool(self.fewest)

    @property
    def steps_per_epoch(self) -> int:
        """Updates an epoch; rows that fill no batch wait for another epoch's order, or are a
        smaller last batch. Of uneven folds the smallest decides, so that no batch is empty."""
        if self.updates:
            return self.updates
        rows = self.fewest[0] if self.uneven else self.train
        if self.remainder == "pad":
            return -(-rows // self.batch)
        # A batch of all rows is larger than the smallest fold, which fills what it can of it.
        return max(rows // self.batch, int(self.uneven))

    @property
    def real(self) -> int:
        """Rows that an epoch's updates read, padding apart; of uneven folds, of the smallest."""
        rows = self.fewest[0] if self.uneven else self.train
        return min(rows, self.steps_per_epoch * self.batch)


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
        *sizes, fewest, updates = dataclasses.astuple(self.sizes)
        # What older programs lack is appended only where it is used, so that their ids stay.
        shapes = [
            list(spec.inputs.shape),
            len(spec.targets.classes),
            [*sizes, *([fewest] if fewest else []), *([updates] if updates else [])],
            self.config.epochs,
        ]
        facts = spec.inputs.facts
        symbols = facts.get("vocabulary") or 0
        source = facts.get("source", 0)
        if symbols or spec.targets.shape:
            shapes += [symbols, list(spec.targets.shape), *([source] if source else [])]
        if spec.inputs.sizes:
            shapes.append(list(spec.inputs.sizes))
        if spec.targets.sizes:
            shapes.append(["targets", *spec.targets.sizes])
        return identity.digest(
            [
                identity.static_id(self.config),
                shapes,
                *([masks.VERSION] * self.masked),
                *(["weighted"] * self.weighted),
            ]
        )

    @functools.cached_property
    def masked(self) -> bool:
        """Whether places of inputs or targets may hold nothing; see `masks.masked`."""
        return masks.masked(self.config, self.spec)

    @property
    def weighted(self) -> bool:
        """Whether examples differ in their weight in the training loss, by numbers of each lane."""
        return self.config.class_weight is not None

    @property
    def boosted(self) -> bool:
        """Whether its runs learn from earlier ones, by numbers of each row and lane."""
        return self.config.boost != "none"

    @property
    def fits_residuals(self) -> bool:
        """Whether its runs fit what the members before them leave (gradient boosting)."""
        return self.config.boost == "residuals"

    def __hash__(self) -> int:
        # Programs are keys of dictionaries; by its fields, hashing one takes as long as planning
        # a run.
        return hash(self.id)

    @property
    def counts_targets(self) -> bool:
        """Whether examples may have other numbers of targets, or none."""
        measures_targets = self.game.metrics is None
        per_place = bool(self.spec.targets.shape) and self.problem.real is not None
        return self.masked and measures_targets and per_place

    @property
    def width(self) -> int:
        """C: classes, or the inputs that are to be reconstructed, or 1 for a number."""
        return self.spec.targets.width

    @property
    def steps(self) -> int:
        """Updates of a whole run; a fit counts as one."""
        return 1 if self.fitted else self.config.epochs * self.sizes.steps_per_epoch

    @property
    def dtype(self) -> np.dtype:
        """Of parameters, optimizer state, statistics and losses."""
        return np.dtype(np.float64 if self.config.precision == "float64" else np.float32)

    @contextlib.contextmanager
    def precision_context(self) -> Iterator[None]:
        """JAX's settings for the program's precision: needed around all that makes its arrays or
        traces its code.

        They are of the thread that enters.
        """
        # "highest": JAX's default would use TF32 on a GPU, and float32 runs would lose 13 bits.
        matmul = "tensorfloat32" if self.config.precision == "tf32" else "highest"
        with (
            jax.enable_x64(self.config.precision == "float64"),
            jax.default_matmul_precision(matmul),
        ):
            yield

    @functools.cached_property
    def problem(self) -> Problem:
        """The task's data view and metrics, with those of `--metrics`."""
        return measured_problem(self.config.task, self.config.metrics or ())

    @functools.cached_property
    def model(self) -> nn.Module:
        """The network, without its numbers that differ from lane to lane."""
        outputs = LOSSES.get(self.config.loss).outputs(self.width)
        entry = ARCHITECTURES.get(self.config.arch.name)
        module: nn.Module = entry.build(**self._arguments(self.config.arch, outputs))
        return module

    @property
    def members_inside(self) -> int | None:
        """M, the members inside the network, whose outputs are [B, M, K]; None: they are [B, K]."""
        option = ARCHITECTURES.get(self.config.arch.name).members_option
        return dict(self.config.arch.options)[option] if option else None

    @property
    def fitted(self) -> bool:
        """Whether its runs are fitted on the host; there is no `model` then."""
        return host.is_fitted(self.config)

    def estimator(self, config: RunConfig) -> Fit:
        """The host estimator of a run, by its own numbers."""
        entry = ARCHITECTURES.get(config.arch.name)
        assert isinstance(entry, HostEstimator)
        return entry.fit(**self._arguments(config.arch, self.width))

    @property
    def fits_together(self) -> Callable[..., list[Predict]] | None:
        """What fits several of its runs at once, `(estimators, training examples, seeds) -> their
        predictors`; None: each run is fitted by itself."""
        return getattr(ARCHITECTURES.get(self.config.arch.name).build, "together", None)

    def _arguments(self, arch: Component, outputs: int) -> dict[str, Any]:
        """What the builder of the architecture takes for these data."""
        entry = ARCHITECTURES.get(arch.name)
        spec = self.spec
        facts = {
            "source_vocabulary": None,
            "vocabulary": None,
            "source": 0,
            "padded": False,
            **spec.inputs.facts,
            "per_step": bool(spec.targets.shape),
            "features": spec.inputs,
            "task": spec.task,
        }
        needed = {name: facts[name] for name in entry.needs_facts}
        return {"outputs": outputs, **needed, **dict(arch.options)}

    @functools.cached_property
    def game(self) -> Game:
        """The players. Only losses depend on numbers, so any will do here; see `game_of`."""
        return game_of(self.config.objective)

    @property
    def parts(self) -> int:
        """How many parts the rows of a step are computed in: those of each of its batches."""
        return self.game.rounds * self.config.accumulate

    @property
    def rows_per_update(self) -> int:
        """The rows of a player's update; a step reads as many for each of its rounds."""
        return self.sizes.batch // self.game.rounds

    @property
    def environments(self) -> int:
        """How many environments a step collects its examples in."""
        return self.sizes.batch // self.game.horizon

    def world(self, lane: Lane) -> World:
        """The environment of a lane."""
        component = self.config.dataset
        entry = DATASETS.get(component.name)
        assert isinstance(entry, Environment)
        assert entry.world is not None
        values = options(component, "dataset", lane.hparams)
        del values[EPISODES.name]
        world: World = entry.world(**values)
        return world

    def optimizer_of(self, player: Player) -> Component:
        """The optimizer that updates the player's parameters."""
        by_name = {settings.name: settings.optimizer for settings in self.config.players}
        return by_name.get(player.name, self.config.optimizer)

    def members(self, slot: str, site: str | None = None) -> Iterator[Component]:
        """The regularizers of a slot (and site), in their order."""
        for member in self.config.regularization:
            entry = REGULARIZERS.get(member.name)
            if entry.slot == slot and site in (None, entry.site):
                yield member

    @functools.cached_property
    def has_stopping(self) -> bool:
        """Whether a lane may stop early."""
        return any(self.members("stopping"))

    @functools.cached_property
    def watched(self) -> str:
        """What of the validation rows early stopping watches."""
        named = [dict(member.options).get("metric", LOSS) for member in self.members("stopping")]
        return named[0] if named else LOSS

    @functools.cached_property
    def followed(self) -> tuple[str, ...]:
        """The metrics of a whole split that validation curves have."""
        watched = (self.watched,) if self.watched in self.problem.whole else ()
        return tuple(dict.fromkeys((*self.problem.followed, *watched)))

    @functools.cached_property
    def has_mean(self) -> bool:
        """Whether the parameters are averaged."""
        return any(self.members("average"))

    @functools.cached_property
    def projects_mean(self) -> bool:
        """Whether what evaluation uses is a mean that must be projected."""
        return self.has_mean and any(self.members("projection", "norm"))


def game_of(component: Component, hparams: dict[str, jax.Array] | None = None) -> Game:
    """An objective's players and losses. hparams: the lane's values; None where no loss is run."""
    entry = OBJECTIVES.get(component.name)
    if hparams is not None:
        return built(component, entry.build, "objective", hparams)
    game: Game = entry.build(
        **{name: placeholder(entry, name, value) for name, value in component.options}
    )
    return game


def placeholder(entry: Entry, name: str, value: Any) -> Any:
    """An option's value; where it differs from lane to lane, a value that it may have.

    Args:
        entry: the entry that has the option.
        name: the option.
        value: its value in the program's config.
    """
    option = entry.option(name)
    if option is None or not option.numeric or value is not None:
        return value
    return entry.test_options.get(name, 0.0 if option.default is REQUIRED else option.default)


def blank(config: RunConfig) -> RunConfig:
    """The config without its numeric leaves: what the lanes of a program have in common."""

    def blank(component: Component, registry: Any, kind: str) -> Component:
        if kind == NUMERIC:
            return Component("")
        entry = registry.get(component.name)
        return Component(
            component.name,
            tuple((k, None if entry.option(k).numeric else v) for k, v in component.options),
        )

    def blank_player(player: PlayerSettings) -> PlayerSettings:
        optimizer = blank(player.optimizer, OPTIMIZERS, STATIC)
        return PlayerSettings(player.name, optimizer, None, Component(""))

    changes: dict[str, Any] = {"players": tuple(map(blank_player, config.players))}
    for name, field in config_lib.FIELDS.items():
        value, kind = getattr(config, name), field.metadata["kind"]
        if name == "regularization":
            changes[name] = tuple(blank(component, REGULARIZERS, kind) for component in value)
        elif isinstance(value, Component):
            changes[name] = blank(value, config_lib.PARTS[name], kind)
        elif kind == NUMERIC:
            changes[name] = None
    # Whether there are weights shapes the step. What they are is a number of each lane.
    changes["class_weight"] = config.class_weight and BALANCED
    return dataclasses.replace(config, **changes)


def built(
    component: Component, build: Callable[..., Any], path: str, hparams: dict[str, jax.Array]
) -> Any:
    """What an entry's builder makes of its static options and the lane's values.

    Args:
        component: the chosen entry and its options.
        build: its builder.
        path: where the component stands in a config, such as `optimizer`.
        hparams: the lane's numbers by path.
    """
    return build(**options(component, path, hparams))


def options(component: Component, path: str, hparams: dict[str, jax.Array]) -> dict[str, Any]:
    """The component's options, the numeric ones as the lane's values.

    Args:
        component: the chosen entry and its options.
        path: where the component stands in a config.
        hparams: the lane's numbers by path.
    """
    return {name: hparams.get(f"{path}.{name}", value) for name, value in component.options}


def regularizer(member: Component, lane: Lane) -> Any:
    """A regularizer's transformation at the lane's strength."""
    build = REGULARIZERS.get(member.name).build
    return built(member, build, f"regularization.{member.name}", lane.hparams)
