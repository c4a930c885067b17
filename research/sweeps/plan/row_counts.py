"""Row counts: how many rows a run trains, validates and tests on, for its record."""

from research.data.splitters.division import division
from research.data.splitters.drawn_rows import drawn_sizes
from research.sweeps.plan.run_plan import PlannedRun


def row_counts(run: PlannedRun) -> dict[str, int]:
    """The rows of each part, and how many test rows the data set has that no split draws.

    They are a function of the data and the config, and are recorded since a table has no data.
    """
    config, spec = run.config, run.program.spec
    if spec.inputs.collected:  # it has episodes, and no split of them
        return {"own_test_rows": spec.test_size}
    folds = division(config.split).sizes(spec, config.train_size, config.split_seed or 0)
    sizes, place = drawn_sizes(config, spec, folds)
    counts = {f"{part}_rows": n for part, n in sizes[place]._asdict().items()}
    # Folds leave the data set's own test rows out.
    return counts | {"own_test_rows": spec.test_size if len(folds) == 1 else 0}
