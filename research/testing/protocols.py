"""The battery of splitters and estimates: what each must hold, a user's own too."""

import functools
import math
from collections.abc import Callable

import numpy as np

from research.data import in_memory
from research.data.in_memory import InMemorySource
from research.data.split import Split
from research.data.splitters.division import division
from research.registry import Entry, Estimate, Splitter
from research.run_config import Component

# Folds of one size would hide that smaller ones are padded.
ROWS = 61


def checks(entry: Entry) -> dict[str, Callable[[], None]]:
    """The checks of a splitter, at its test options, or of an estimate, by name; none of another
    entry."""
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
    return {
        check.__name__.strip("_").replace("_", " "): functools.partial(check, entry)
        for check in of_kind
    }


def _component(entry: Entry) -> Component:
    options = {option.name: option.default for option in entry.options}
    return Component(entry.name, tuple((options | dict(entry.test_options)).items()))


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
