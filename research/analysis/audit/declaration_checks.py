"""Checks of the declaration: what differs between rows, and how settings were chosen."""

from collections.abc import Iterator, Mapping

from research import config as config_lib
from research.analysis.audit.case import Case
from research.analysis.audit.finding import Finding
from research.analysis.reach import fewest_seeds
from research.words import plural

# Never part of a comparison: they follow from others, or from the seed.
_FOLLOW = ("seed", *config_lib.SEEDS.values(), "fold", "init_from")
# A row with this many times the parameters of the baseline differs in capacity.
MORE_PARAMETERS = 1.5


def more_than_declared(case: Case) -> Iterator[Finding]:
    """Rows that differ from the baseline in settings which neither declares."""
    experiment, first = case.experiment, case.first_runs()
    if experiment.baseline not in first:
        return
    base = config_lib.to_flags(first[experiment.baseline].config)
    declared_base = set(experiment.arms[experiment.baseline])
    for label, run in first.items():
        flags = config_lib.to_flags(run.config)
        declared = declared_base | set(experiment.arms.get(label, ()))
        if experiment.choose is not None:
            declared.add(experiment.choose.path)
        differing = [
            f"{path}={flags[path]} (baseline: {base[path]})"
            # What one of them does not have does not apply to it, as epochs to a fit.
            for path in sorted(base.keys() & flags.keys())
            if base[path] != flags[path] and not _declared(path, declared)
        ]
        if differing:
            yield Finding(
                "caution",
                f"'{label}' also differs from the baseline in {', '.join(differing)}, which it"
                " does not declare: a default followed another setting",
                "declare these settings in the row or in the base",
            )


def _declared(path: str, declared: set[str]) -> bool:
    """Whether a setting or its component is declared: `optimizer` declares its options too."""
    beginnings = {path.split(".")[0], path}
    if "normalization" in declared:  # short for a regularizer
        declared = declared | {"regularization"}
    return path in _FOLLOW or bool(beginnings & declared)


def same_updates(case: Case) -> Iterator[Finding]:
    """Rows that train for different numbers of updates."""
    steps = {label: run.program.steps for label, run in case.first_runs().items()}
    if len(set(steps.values())) < 2:
        return
    fewest = min(steps, key=steps.__getitem__)
    most = max(steps, key=steps.__getitem__)
    yield Finding(
        "caution",
        f"'{most}' makes {steps[most]:,} updates and '{fewest}' {steps[fewest]:,}, so the rows"
        " have unequal training budgets",
        "say so in the caption, or give all rows the same epochs and batch size",
    )


def capacity(case: Case) -> Iterator[Finding]:
    """Rows that have many more parameters than the baseline."""
    table = case.table
    if table is None or table.baseline is None:
        return
    base = table.row(table.baseline).parameters
    for row in table.rows if base else ():
        ratio = (row.parameters or 0) / (base or 1)
        if ratio and not 1 / MORE_PARAMETERS <= ratio <= MORE_PARAMETERS:
            yield Finding(
                "caution",
                f"'{row.label}' has {row.parameters:,} parameters and the baseline {base:,}"
                f" ({ratio:.2g} times as many)",
                "match the sizes, or name capacity among the differences",
            )


def edge_of_range(case: Case) -> Iterator[Finding]:
    """Chosen settings at the edge of the values that were tried: a better one may lie beyond."""
    choose = case.experiment.choose
    if choose is None:
        return
    numbers = sorted(float(value) for value in choose.values if _is_number(value))
    if len(numbers) < 2 or len(numbers) < len(choose.values):
        return
    for label, run in case.first_runs().items():
        text = config_lib.to_flags(run.config).get(choose.path, "")
        if _is_number(text) and float(text) in (numbers[0], numbers[-1]):
            yield Finding(
                "problem",
                f"'{label}' chose {choose.path}={text}, at the edge of {numbers[0]:g} to"
                f" {numbers[-1]:g}: a better value may lie beyond, for this row only",
                f"widen `values` of the choice of {choose.path}",
            )


def choosing_leaks(case: Case) -> Iterator[Finding]:
    """A setting that is chosen on rows which other seeds test on."""
    if case.experiment.choose is None:
        return
    seeds: Mapping[str, set[object]] = {
        label: {run.config.split_seed for run in runs}
        for label, runs in case.runs.items()
        if label not in case.experiment.nested
    }
    if any(len(each) > 1 for each in seeds.values()):
        yield Finding(
            "problem",
            f"{case.experiment.choose.path} is chosen on the validation rows of some seeds, and"
            " these are test rows of others: reported scores are too good",
            "give all runs one split (split_seed=0 in the base)",
        )


def few_seeds(case: Case) -> Iterator[Finding]:
    """Too few seeds for any verdict."""
    seeds = case.experiment.seeds
    fewest = fewest_seeds()
    if len(case.experiment.arms) > 1 and seeds < fewest:
        yield Finding(
            "problem",
            f"{plural(seeds, 'seed')} cannot show any difference on these rows: no p is below 0.05",
            f"use {fewest} seeds or more (--seeds={fewest})",
        )


def _is_number(text: object) -> bool:
    try:
        float(str(text))
    except ValueError:
        return False
    return True
