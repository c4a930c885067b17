"""Checks of the records: runs that are missing or diverged, or that other code or devices made."""

from collections.abc import Iterator

from research.analysis.arms_table import FAILURES
from research.analysis.audit.case import Case
from research.analysis.audit.finding import Finding
from research.analysis.provenance_text import distinct, versions
from research.analysis.reach import seeds_of_undecided


def incomplete_rows(case: Case) -> Iterator[Finding]:
    """Rows with runs that have no value."""
    if case.table is None:
        yield Finding(
            "caution",
            "no run has a record yet, so the results were not checked",
            f"python -m launch.table --experiment={case.experiment.name}",
        )
        return
    for row in case.table.rows:
        for outcome in (*FAILURES, "missing"):
            count = max(cell.outcomes.count(outcome) for cell in row.cells)
            if count:
                missing = outcome == "missing"
                flatters = "" if missing else ", which flatters the row"
                yield Finding(
                    "caution" if missing else "problem",
                    f"'{row.label}': {count} of {len(case.table.seeds)} runs {_was(outcome)}; the"
                    f" mean is over the others{flatters}",
                    (
                        "train them by launch.table"
                        if missing
                        else "lower the learning rate, or report the row as unstable"
                    ),
                )


def _was(outcome: str) -> str:
    return {"missing": "have no record", "undefined": "have no such metric"}.get(outcome, outcome)


def one_origin(case: Case) -> Iterator[Finding]:
    """Records of different code, versions or devices."""
    if case.table is None:
        return
    records = list(case.table.records())
    for words, key in (("commits", "commit"), ("kinds of device", "device")):
        values = distinct(records, key)
        if len(values) > 1:
            yield Finding(
                "caution",
                f"the records were made at {len(values)} {words}: {', '.join(values)}",
                "train them again in an empty --records folder for the final table",
            )
    if " and " in versions(records):
        yield Finding(
            "caution",
            f"the records were made with different versions: {versions(records)}",
            "train them again in an empty --records folder for the final table",
        )
    changed = [commit for commit in distinct(records, "commit") if commit.endswith("+changes")]
    if changed:
        yield Finding(
            "caution",
            f"some records were made by code that is in no commit: {', '.join(changed)}",
            "commit, then train them again in an empty --records folder",
        )


def undecided(case: Case) -> Iterator[Finding]:
    """Rows without a verdict, and the seeds that they need."""
    table = case.table
    if table is None or table.baseline is None:
        return
    for index, column in enumerate(table.columns):
        for label, seeds in seeds_of_undecided(table, index).items():
            need = "more rows of data than there are" if seeds is None else f"{seeds} seeds"
            yield Finding(
                "caution",
                f'\'{label}\' is undecided on {column.label}; "no difference shown" is not "no'
                f' difference": 80 % power at the difference seen needs {need}',
                "add seeds, or declare a margin (Column(margin=...)) within which it is equivalent",
            )


def beats_nothing(case: Case) -> Iterator[Finding]:
    """Rows whose test accuracy is no better than the largest class."""
    table = case.table
    if table is None:
        return
    data = [each for each in case.data if each.spec.targets.classes and not each.spec.targets.shape]
    shares = []
    for each in data:
        targets = each.targets(each.test)
        if len(targets):
            shares.append(max((targets == value).mean() for value in set(targets.tolist())))
    for index, column in enumerate(table.columns):
        if column.metric != "test/accuracy" or not shares:
            continue
        for row in table.rows:
            interval = row.cells[index].interval
            if interval is not None and interval.mean - (interval.half_width or 0) <= max(shares):
                yield Finding(
                    "caution",
                    f"'{row.label}' is not shown to beat the largest class, which is"
                    f" {100 * max(shares):.1f} % of the test rows",
                    "train longer, or compare balanced accuracy or F1",
                )
