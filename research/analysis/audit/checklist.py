"""The checklist: every check of an audit, and its findings as lines or as a page."""

import html as html_lib
from collections.abc import Callable, Iterator, Mapping, Sequence

from research.analysis import html
from research.analysis.audit import data_checks, declaration_checks, record_checks
from research.analysis.audit.case import Case
from research.analysis.audit.data_parts import DataParts
from research.analysis.audit.finding import Finding
from research.words import plural

Check = Callable[[Case], Iterator[Finding]]
DataCheck = Callable[[DataParts], Iterator[Finding]]

DATA_CHECKS: Mapping[str, DataCheck] = {
    "copies in training and test": data_checks.near_duplicates,
    "a column gives the target away": data_checks.given_away,
    "groups on both sides of the split": data_checks.shared_groups,
    "times on both sides of the split": data_checks.crossed_times,
    "few test rows": data_checks.test_rows,
}


def _of_each_data_set(check: DataCheck) -> Check:
    """A check of data as one of a case, which may have several data sets and splits."""
    return lambda case: (finding for data in case.data for finding in check(data))


CHECKS: Mapping[str, Check] = {
    **{name: _of_each_data_set(check) for name, check in DATA_CHECKS.items()},
    "settings chosen on test rows": declaration_checks.choosing_leaks,
    "chosen settings at the edge": declaration_checks.edge_of_range,
    "undeclared differences": declaration_checks.more_than_declared,
    "unequal training budgets": declaration_checks.same_updates,
    "unequal sizes": declaration_checks.capacity,
    "few seeds": declaration_checks.few_seeds,
    "incomplete rows": record_checks.incomplete_rows,
    "records of one origin": record_checks.one_origin,
    "undecided rows": record_checks.undecided,
    "no better than the largest class": record_checks.beats_nothing,
}

Report = dict[str, list[Finding]]


def audit(case: Case, more: Mapping[str, Check], begin: Callable[[str], None]) -> Report:
    """The findings of every check, by its name.

    Args:
        case: what is checked.
        more: further checks by name.
        begin: called with each check's name before it runs.
    """
    report: Report = {}
    for name, check in {**CHECKS, **more}.items():
        begin(name)
        report[name] = list(check(case))
    return report


def lines(report: Report) -> Iterator[str]:
    """A line per finding with its remedy, problems first, and one for the checks without any."""
    for level in ("problem", "caution"):
        for name, findings in report.items():
            for finding in findings:
                if finding.level == level:
                    yield f"{level}: {name}: {finding.text}. Remedy: {finding.remedy}."
    passed = [name for name, findings in report.items() if not findings]
    if passed:
        yield f"nothing found by {plural(len(passed), 'check')}: {', '.join(passed)}"


def page(title: str, report: Report, *parts: str) -> str:
    """The findings as a page that needs no network.

    Args:
        title: its heading.
        report: the findings.
        *parts: what follows them, as HTML.
    """
    rows = [
        f"<tr><td>{level}</td><td>{html_lib.escape(name)}</td>"
        f'<td style="white-space: normal">{html_lib.escape(finding.text)}</td>'
        f'<td style="white-space: normal">{html_lib.escape(finding.remedy)}</td></tr>'
        for level in ("problem", "caution")
        for name, findings in report.items()
        for finding in findings
        if finding.level == level
    ]
    head = "<tr><th>level</th><th>check</th><th>what was found</th><th>remedy</th></tr>"
    passed = [name for name, findings in report.items() if not findings]
    return html.page(
        title,
        [
            f"<table>{head}{''.join(rows)}</table>" if rows else "<p>Nothing was found.</p>",
            html.section("Checks that found nothing", _listed(passed)),
            *parts,
        ],
    )


def _listed(names: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{html_lib.escape(name)}</li>' for name in names)}</ul>"
