"""Prints a list of the catalogue, or the description of one entry.

Examples:
  python -m launch.list regularizers
  python -m launch.list resnet
"""

import sys
from collections.abc import Iterator, Sequence

import research.catalogue  # noqa: F401  (fills the registries)
from launch.cli import start
from launch.cli.entry_lines import entry_lines
from launch.cli.planner import DATA_DIR
from research.data import tfds_prepared
from research.errors import UserError, close, nearest
from research.registry import (
    ACTIVATIONS,
    ARCHITECTURES,
    CALLBACKS,
    DATASETS,
    LOSSES,
    METRICS,
    OBJECTIVES,
    OPTIMIZERS,
    REGULARIZERS,
    SCHEDULES,
    SLOTS,
    TASKS,
    Registry,
)
from research.sweeps.declare import experiment_files
from research.sweeps.declare.designs import DESIGNS
from research.sweeps.experiment import EXPERIMENTS

CATALOGUE: dict[str, Registry] = {
    registry.plural: registry
    for registry in (
        ARCHITECTURES,
        ACTIVATIONS,
        OPTIMIZERS,
        SCHEDULES,
        REGULARIZERS,
        DATASETS,
        TASKS,
        LOSSES,
        OBJECTIVES,
        METRICS,
        CALLBACKS,
        DESIGNS,
        EXPERIMENTS,
    )
}
_PARTS = [registry for registry in CATALOGUE.values() if registry is not EXPERIMENTS]
CHAIN = (
    "chain(…)",
    (
        "a chain of optax transformations, whose numbers may differ per lane: 'chain(clip(1.0),"
        " scale_by_adam())'"
    ),
)


def main(arguments: Sequence[str]) -> None:
    if len(arguments) > 1:
        raise UserError(f"give one list or name; leave '{arguments[1]}' out")
    named = [
        entry
        for registry in _PARTS
        for entry in registry
        if arguments and entry.name == arguments[0]
    ]
    if not arguments:
        raise UserError(f"name a list, or an entry; {nearest('', CATALOGUE)}")
    if arguments[0] not in CATALOGUE and not named:
        known = {*CATALOGUE, *(entry.name for registry in _PARTS for entry in registry)}
        known = known if close(arguments[0], known) else set(CATALOGUE)
        raise UserError(
            f"there is no list or name '{arguments[0]}'; {nearest(arguments[0], known)}"
        )
    if arguments[0] not in CATALOGUE:
        print("\n".join(line for entry in named for line in entry_lines(entry)))
        return
    if arguments[0] == EXPERIMENTS.plural:
        experiment_files.load(lambda message: print(f"warning: {message}", file=sys.stderr))
    print("\n".join(_lines(arguments[0])))


def _lines(plural: str) -> Iterator[str]:
    registry = CATALOGUE[plural]
    if plural == "experiments":
        for experiment in registry:
            paper = f" ({experiment.paper})" if experiment.paper else ""
            yield f"{experiment.name}: {experiment.summary}{paper}"
            arms, seeds, baseline = len(experiment.arms), experiment.seeds, experiment.baseline
            yield (
                f"    {arms} arm{'s' * (arms != 1)}, {seeds} seed{'s' * (seeds != 1)}, baseline"
                f" {baseline}"
            )
        return
    entries = [*registry, *registry.examples()]
    if plural == "regularizers":
        entries.sort(key=lambda entry: SLOTS.index(entry.slot))
    for entry in entries:
        yield from entry_lines(entry)
    if not entries:
        yield (
            f"there are no {plural} yet; a --plugin=FILE can register some with @{registry.kind}"
        )
    if plural == "optimizers":
        yield ": ".join(CHAIN)
    if plural == "datasets":
        data_sets = tfds_prepared.available(DATA_DIR.value)
        yield (
            f"prepared in {tfds_prepared.data_directory(DATA_DIR.value)}:"
            f" {', '.join(sorted(data_sets)) or 'none'}"
        )


if __name__ == "__main__":
    start.run(main, saves=False, words=True)
