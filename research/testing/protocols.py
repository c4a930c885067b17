"""The battery of splitters, estimates and ensembles: what each must hold, a user's own too."""

import functools
import math
from collections.abc import Callable

import numpy as np

from research import config as config_lib
from research.data import in_memory
from research.data.in_memory import InMemorySource
from research.data.split import Split
from research.data.splitters.division import division
from research.registry import Ensemble, Entry, Estimate, Splitter
from research.run_config import Component, RunConfig
from research.sweeps.ensembles import combination
from research.sweeps.plan.ensemble_plan import ALONE
from research.training.engine.predicted_rows import PARTS, PredictedRows

# Folds of one size would hide that smaller ones are padded.
ROWS = 61


def checks(entry: Entry) -> dict[str, Callable[[], None]]:
    """The checks of a splitter or an ensemble, at its test options, or of an estimate, by name;
    none of another entry."""
    of_kind: tuple[Callable[..., None], ...] = ()
    if isinstance(entry, Splitter):
        of_kind = (
            _parts_share_no_row,
            _the_seed_decides,
            _sizes_are_known,
            _targets_do_not_matter,
        )
    elif isinstance(entry, Estimate):
        of_kind = (_gives_numbers,)
    elif isinstance(entry, Ensemble):
        of_kind = (_members_are_configs, _the_members_seed_decides, _combines_scores)
    return {
        check.__name__.strip("_").replace("_", " "): functools.partial(check, entry)
        for check in of_kind
    }


def _component(entry: Entry) -> Component:
    given = entry.test_options
    options = {
        option.name: (
            option.parse(given[option.name], option.name)
            if option.name in given
            else option.default
        )
        for option in entry.options
    }
    return Component(entry.name, tuple(options.items()))


def _splits(entry: Entry, source: InMemorySource, seed: int = 0) -> list[Split]:
    return division(_component(entry)).splits(source.spec, source.data, seed=seed)


def _sources(entry: Entry) -> list[InMemorySource]:
    """Classes and numbers, or those of them that the splitter takes."""
    sources = [in_memory.images(rows=ROWS), in_memory.table(rows=ROWS)]
    if isinstance(entry, Splitter) and entry.grouped:
        sources = [*map(in_memory.grouped, sources)]
    return [
        source
        for source in sources
        if not any(constraint(None, source.spec) for constraint in entry.constraints)
    ]


def _parts_share_no_row(entry: Entry) -> None:
    """No row is in two parts of a fold."""
    for source in _sources(entry):
        for fold, split in enumerate(_splits(entry, source)):
            # A row may train more than once.
            rows = np.concatenate([np.unique(split.train), split.validation, split.test])
            assert len(set(rows)) == len(rows), f"fold {fold} has a row in two parts"
            assert len(split.train), f"fold {fold} has no training rows"


def _the_seed_decides(entry: Entry) -> None:
    """The same seed gives the same rows."""
    for source in _sources(entry):
        first, second = (_splits(entry, source, seed=5) for _ in range(2))
        pairs = zip(first, second, strict=True)
        same = all(all(map(np.array_equal, a, b)) for a, b in pairs)
        assert same, "the same seed gives other rows the second time"


def _sizes_are_known(entry: Entry) -> None:
    """Every seed and label gives parts of the sizes that are known before the data are read."""
    for source in _sources(entry):
        for seed in range(3):
            sizes = division(_component(entry)).sizes(source.spec, seed=seed)
            real = [tuple(map(len, split)) for split in _splits(entry, source, seed)]
            assert real == [tuple(size) for size in sizes], f"seed {seed} has parts of {real} rows"


def _targets_do_not_matter(entry: Entry) -> None:
    """Targets that are numbers do not decide who trains: that would select rows by the answer."""
    for source in _sources(entry):
        if source.spec.targets.classes:
            continue
        other = source.data._replace(y=source.data.y[::-1])
        for ours, theirs in zip(
            _splits(entry, source),
            division(_component(entry)).splits(source.spec, other, seed=0),
            strict=True,
        ):
            same = all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
            assert same, "the rows of a fold depend on targets that are numbers"


def _gives_numbers(entry: Estimate) -> None:
    """It makes a number of each metric."""
    runs = [{"test/accuracy": 0.5, "test/nll": 2.0}, {"test/accuracy": 0.75, "test/nll": 1.0}]
    metrics = entry.build()(runs[: entry.most])
    assert metrics, "it gives no metrics"
    for name, value in metrics.items():
        number = isinstance(value, float) and math.isfinite(value)
        assert number, f"{name} is {value!r}, no finite float"


def _members(entry: Entry, seed: int = 0) -> list[RunConfig]:
    config, _ = config_lib.resolve({"seed": seed, "split_seed": 0})
    members: list[RunConfig] = entry.build(config, **dict(_component(entry).options))
    return members


def _members_are_configs(entry: Ensemble) -> None:
    """Its members are configs of single runs, no two alike."""
    members = _members(entry)
    assert members, "it has no members"
    for member in members:
        assert isinstance(member, RunConfig), f"{member!r} is no config"
        assert member.ensemble == ALONE, "a member is an ensemble"
    assert len(set(members)) == len(members), "two members are the same run"


def _the_members_seed_decides(entry: Ensemble) -> None:
    """The same config gives the same members, and another seed has none of their draws."""
    assert _members(entry) == _members(entry), "the same config gives other members"
    seeds = [{member.seed for member in _members(entry, seed)} for seed in (0, 1)]
    assert not seeds[0] & seeds[1], "ensembles of two seeds share the seed of a member"


def _combines_scores(entry: Ensemble) -> None:
    """What its members predict together has their rows, and finite scores."""
    generator = np.random.default_rng(0)
    targets = np.arange(12) % 3
    predicted = [
        {
            part: PredictedRows(np.arange(12), generator.normal(size=(12, 3)), targets)
            for part in (*PARTS, "train")
        }
        for _ in _members(entry)
    ]
    options = dict(_component(entry).options)
    together = (entry.combine or combination.mean)(predicted, True, **options)
    for part, (rows, scores, _) in together.items():
        assert np.array_equal(rows, np.arange(12)), f"its {part} rows are others"
        assert scores.shape == (12, 3), f"scores have shape {scores.shape}"
        assert np.isfinite(scores).all(), f"some {part} scores are not finite"
