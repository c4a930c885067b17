"""The planner: from settings to runs, without training anything."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from research import config as config_lib
from research import identity
from research.config import FIELDS, OPTIONS, SHORT, RunConfig
from research.data import masks
from research.data.progress_bar import progress
from research.data.spec import Arrays, DataSpec
from research.data.splitters.division import FoldNumbers, check_fold, division, fold_numbers
from research.data.splitters.drawn_rows import check_drawn
from research.errors import ShapeError, UserError
from research.options import Settings
from research.sweeps.plan import run_notes
from research.sweeps.plan.ensemble_plan import ALONE, planned_ensemble
from research.sweeps.plan.run_plan import (
    FittingRun,
    PlannedEnsemble,
    PlannedRun,
    RequestedRun,
    UnfitRun,
    trainable,
)
from research.sweeps.plan.unused_settings import refuse_unused, unused_message
from research.sweeps.records.saved_parameters import Parameters, Saved
from research.sweeps.records.store import Store
from research.training.setup import chosen_columns, host, validate, warm_start
from research.training.setup.lane_inputs import sizes, split_rows
from research.training.setup.program import Program
from research.training.setup.warm_start import InitialWeights


class Opened(Protocol):
    """A data set ready to read."""

    @property
    def spec(self) -> DataSpec:
        """The data set's shapes and task."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """The names of its classes or tokens, if it has some."""
        ...

    def arrays(self) -> Arrays:
        """Its rows."""
        ...


Science = Mapping[str, Any]
RowKey = TypeVar("RowKey")
OpenSource = Callable[[RunConfig], Opened]


class Planner:
    """Settings to runs; what is the same for many runs (data, programs, checks) is worked out once.

    parameters: where runs with `init_from` find what they start from; None: in `records/`.
    """

    def __init__(self, open_source: OpenSource, parameters: Parameters | None = None) -> None:
        self._open_source = open_source
        self._parameters = parameters or Parameters(Store(Path("records")))
        self._saved: Callable[[str], Saved] = functools.cache(self._parameters.load)
        self._fitting: set[Any] = set()
        self._sources: dict[Any, Opened] = {}
        self._programs: dict[Any, Program] = {}
        self._dividing: dict[Any, RunConfig] = {}
        self._ignored: dict[str, set[str]] = {}  # settings by host estimator

    def source(self, config: RunConfig) -> Opened:
        """The data of a config."""
        key = config.dataset, config.task
        if key not in self._sources:
            self._sources[key] = self._open_source(config)
        return self._sources[key]

    def arrays(self, run: PlannedRun) -> Arrays:
        """The arrays of a run's data."""
        return self.source(run.config).arrays()

    def each_feature(self, requests: Sequence[Settings]) -> list[Settings]:
        """The requests, those with drop_feature=each once per feature of their data."""
        expanded: list[Settings] = []
        for settings in requests:
            if settings.get("drop_feature") != chosen_columns.EACH:
                expanded.append(settings)
                continue
            config, _ = config_lib.resolve({**settings, "drop_feature": None})
            names = self.source(config).spec.inputs.columns_by_name
            if not names:
                raise UserError(
                    f"drop_feature=each needs a table with columns, and {config.dataset.name} has"
                    f" {self.source(config).spec.inputs.describe()}"
                )
            expanded += [{**settings, "drop_feature": name} for name in names]
        return expanded

    def each_fold(self, requests: Sequence[Settings]) -> list[Settings]:
        """The requests, each once per fold of its split. One that names its fold, or whose split
        has none, stays as it is."""
        expanded: list[Settings] = []
        for settings in requests:
            if "fold" in settings:
                expanded.append(settings)
                continue
            split = self.folds(settings)
            if split.inner:
                raise UserError(
                    f"split={settings['split']} chooses settings inside each fold, and nothing is"
                    " chosen here; use choose= of an experiment, or launch.tune; for folds alone,"
                    " kfold(5)"
                )
            if split.count == 1:
                expanded.append(settings)
            else:
                expanded += [{**settings, "fold": fold} for fold in range(split.count)]
        return expanded

    def folds(self, settings: Settings) -> FoldNumbers:
        """The folds of the split of these settings."""
        heads = ("dataset", "split", "task")
        deciding = {
            path: value
            for path, value in settings.items()
            if SHORT.get(path, path).partition(".")[0] in heads
        }
        if not any(path.partition(".")[0] == "split" for path in deciding):
            return FoldNumbers(1)
        key = tuple(sorted((path, str(value)) for path, value in deciding.items()))
        if key not in self._dividing:
            self._dividing[key], _ = config_lib.resolve(deciding)
        config = self._dividing[key]
        # Counted each time, since the file of a split may have changed.
        return fold_numbers(config.split, self.source(config).spec)

    def runs(self, requests: Sequence[Settings]) -> list[PlannedRun]:
        """One run per request, in order. Raises UserError as `plan` does and for an ensemble, and
        ShapeError for the first run that its sizes rule out."""
        runs: list[PlannedRun] = []
        for run in self.fitting(requests):
            if isinstance(run, PlannedEnsemble):
                raise UserError(
                    f"ensemble={run.config.ensemble} is made of several runs, and this takes one"
                    " run; leave it out"
                )
            runs.append(run)
        return runs

    def fitting(self, requests: Sequence[Settings]) -> list[FittingRun]:
        """One run or ensemble per request, in order. Raises UserError as `plan` does, and
        ShapeError for the first run that its sizes rule out."""
        runs: list[FittingRun] = []
        for run in self.plan(requests):
            if isinstance(run, UnfitRun):
                raise ShapeError(run.reason)
            runs.append(run)
        return runs

    def plan(self, requests: Sequence[Settings]) -> list[RequestedRun]:
        """One run per request, in order; runs that their sizes rule out are UnfitRun.

        Raises UserError on a setting that no request's parts use (law 8).
        """
        with progress(len(requests), "planning", "run") as bar:
            runs, unused = self._plan(requests, bar.update)
        for setting in sorted(unused):
            raise UserError(unused_message(setting, [run.config for run in runs]))
        return runs

    def plan_rows(
        self, rows: Mapping[RowKey, Sequence[Settings]]
    ) -> dict[RowKey, list[RequestedRun]]:
        """The runs of each row's requests, of each of their folds.

        Raises UserError on a setting that its row does not use. A row that is fitted on the host
        may have the settings of the networks beside it; `notes` says that they do not apply.
        """
        requests = {label: self.each_fold(of_row) for label, of_row in rows.items()}
        with progress(sum(map(len, requests.values())), "planning", "run") as bar:
            planned = {label: self._plan(of_row, bar.update) for label, of_row in requests.items()}
        refuse_unused(planned.values())
        return {label: runs for label, (runs, _) in planned.items()}

    def _plan(
        self, requests: Sequence[Settings], planned: Callable[[], object]
    ) -> tuple[list[RequestedRun], frozenset[str]]:
        """The runs, and the settings that none of them uses. `planned` is called after each run."""
        runs: list[RequestedRun] = []
        unused: set[frozenset[str]] = set()
        every = frozenset(path for settings in requests for path in settings if "." in path)
        # By fold: the seeds of a point with folds have all of them in turn.
        points: dict[str, _Point] = {}
        for settings in requests:
            others = {path: value for path, value in settings.items() if path != "seed"}
            fold = str(others.get("fold"))
            point = points.get(fold)
            if point is None or others != point.settings:
                config, left = config_lib.resolve(settings)
                run, science = self._requested(config)
                points[fold] = _Point(others, run, config, self.source(config).spec, science)
                if host.is_fitted(config):
                    left |= self._not_applicable(config)
                # A setting that a point does not set is not used there.
                unused.add(left | (every - settings.keys()))
                runs.append(run)
            elif point.config.ensemble != ALONE:
                runs.append(self._requested(_with_seed(point.config, settings))[0])
            else:
                # Most runs of a large sweep differ from an earlier one only in their seed.
                runs.append(_reseeded(point, settings))
            planned()
        return runs, frozenset.intersection(*unused) if unused else frozenset()

    def _not_applicable(self, config: RunConfig) -> frozenset[str]:
        """The settings that do not apply to a run that is fitted on the host; noted too."""
        paths = host.not_applicable(config)
        if paths:
            self._ignored.setdefault(config.arch.name, set()).update(paths)
        return paths

    def run(self, config: RunConfig) -> PlannedRun:
        """The run of a config. Raises UserError if it cannot work."""
        config = self._completed(config)
        program = self._checked_program(config)
        return PlannedRun(identity.digest(self._science(config)), config, program)

    def _requested(self, config: RunConfig) -> tuple[RequestedRun, Science]:
        """The run or the ensemble of a config; of a run, also what its id is a digest of."""
        if config.ensemble == ALONE:
            return self._run_or_unfit(config)
        return planned_ensemble(config, self._completed(config), self._member), {}

    def _member(self, config: RunConfig) -> RequestedRun:
        return self._run_or_unfit(config)[0]

    def _run_or_unfit(self, config: RunConfig) -> tuple[RequestedRun, Science]:
        """(the run of a config or why its sizes rule it out, what its id is a digest of)."""
        config = self._completed(config)
        science = self._science(config)
        run_id = identity.digest(science)
        try:
            return PlannedRun(run_id, config, self._checked_program(config)), science
        except ShapeError as error:
            return UnfitRun(run_id, config, str(error)), science

    def _science(self, config: RunConfig) -> Science:
        return identity.science(config, masks.data_id(config, self.source(config).spec))

    def _checked_program(self, config: RunConfig) -> Program:
        """The program of a completed config. Raises UserError if it cannot work."""
        program = self._program(config, self.source(config).spec)
        self._check_transfer(config, program)
        return program

    def _completed(self, config: RunConfig) -> RunConfig:
        """The config with what its data fills in, and with the run that it starts from by name."""
        source = self.source(config)
        config = validate.complete(config, source.spec)
        self._sources.setdefault((config.dataset, config.task), source)
        if config.init_from is not None:
            config = dataclasses.replace(
                config, init_from=":".join(self._parameters.resolve(config.init_from))
            )
        return config

    def notes(self, runs: Iterable[RequestedRun]) -> list[str]:
        """What a reader of a table of these runs must know of their data and their training."""
        return run_notes.notes(trainable(runs), self._ignored)

    def origin(self, run: PlannedRun) -> InitialWeights | None:
        """Where the run starts from. Raises UserError if that is not there, or damaged."""
        if run.config.init_from is None:
            return None
        run_id, _, which = run.config.init_from.partition(":")
        return InitialWeights(
            f"run {run_id}", self._saved(run_id).variables[which], run.config.reset
        )

    def _check_transfer(self, config: RunConfig, program: Program) -> None:
        """Raises UserError if what is frozen, reset or started from does not fit.

        A run that is over needs no parameters of another, so what is not there is missed only when
        it is to train.
        """
        key = (id(program), config.init_from, config.reset)  # a planner keeps its programs
        if key in self._fitting:
            return
        warm_start.check_patterns(config, program)
        run = PlannedRun("", config, program)
        if config.init_from is not None and self._parameters.has(
            config.init_from.partition(":")[0]
        ):
            origin = self.origin(run)
            assert origin is not None
            warm_start.check_initial_weights(config, program, origin)
        self._fitting.add(key)

    def _program(self, config: RunConfig, spec: DataSpec) -> Program:
        fold = None
        if config.fold is not None or config.inner_fold is not None:
            check_fold(config, spec)
            check_drawn(config, spec)
            # Folds whose training rows differ much in number have programs of their own.
            fold = sizes(config, spec)
        # What a check depends on besides the static leaves, but for what its parts say, which may
        # be of any number: the schedule's durations, which numbers are zero, and how inputs and
        # targets are scaled.
        zeros = tuple(path for path, value in config_lib.numeric(config).items() if not value)
        key = (
            identity.static_id(config),
            tuple(view.schedule for _, view in config_lib.views(config)),
            zeros,
            config.class_weight is None,
            config.scaling,
            config.target_scaling,
            fold,
        )
        if key in self._programs:
            validate.check_parts(config, self._programs[key].spec)
        else:
            program = validate.check(config, spec)
            _check_split(config, program.spec, self.source(config).arrays())
            self._programs[key] = next(
                (p for p in self._programs.values() if p == program), program
            )
        if config.inner_folds is not None:
            # A class may be too scarce for the inner folds of one seed alone.
            split_rows(config, spec, self.source(config).arrays())
        return self._programs[key]


class _Point(NamedTuple):
    """What the seeds of a point share. settings: but for the seed. run: of one of the seeds.
    config: its own, before it was completed. science: what its id is a digest of."""

    settings: Settings
    run: RequestedRun
    config: RunConfig
    spec: DataSpec
    science: Science


def _with_seed(config: RunConfig, settings: Settings) -> RunConfig:
    """The config with the seed of other settings."""
    seed: Any = FIELDS["seed"].default
    if settings.get("seed") is not None:
        seed = OPTIONS["seed"].parse(settings["seed"], "seed")
    return config.reseeded({"seed": seed})


def _reseeded(point: _Point, settings: Settings) -> RequestedRun:
    """The run of the seed of other settings."""
    _, run, config, spec, science = point
    config = _with_seed(config, settings)
    if host.is_fitted(config):
        config = host.without_training(config)
    seeds = validate.seeds_of(config, spec, config.seed)
    run_id = identity.digest(identity.reseeded(science, seeds))
    return dataclasses.replace(run, id=run_id, config=run.config.reseeded(seeds))


def _check_split(config: RunConfig, spec: DataSpec, arrays: Arrays) -> None:
    """Raises UserError if a part of the split would lack a class; that depends on their counts, not
    on the seed."""
    if spec.inputs.collected:
        return
    division(config.split).splits(spec, arrays, seed=0, train_size=config.train_size)
