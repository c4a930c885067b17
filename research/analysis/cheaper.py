"""Rows that are as good as the baseline and cheaper."""

from research.analysis import number_format
from research.analysis.arms_table import ArmsTable, Row

AS_GOOD = ("better", "equivalent", "not inferior")


def cheaper(table: ArmsTable) -> str:
    """One sentence on rows that are not worse in any column with a margin, and have fewer
    parameters or take less time than the baseline; "" where none is so."""
    with_margin = [i for i, column in enumerate(table.columns) if column.margin is not None]
    if table.baseline is None or not with_margin:
        return ""
    base = table.row(table.baseline)
    named = []
    for row in table.rows:
        verdicts = [row.cells[i].verdict for i in with_margin]
        # A verdict of a look names it in parentheses, as `better (look 1, n = 8)`.
        as_good = all(verdict.partition(" (")[0] in AS_GOOD for verdict in verdicts)
        costs = _lower_costs(row, base)
        if as_good and costs:
            named.append(f"{row.label} ({' and '.join(costs)})")
    return f"As good within the margin, and cheaper: {'; '.join(named)}." if named else ""


def _lower_costs(row: Row, base: Row) -> list[str]:
    """`26,122 of 52,244 parameters`, `0.31 of 0.62 s/run`."""
    costs = []
    if row.parameters and base.parameters and row.parameters < base.parameters:
        ours, theirs = (number_format.count(each.parameters) for each in (row, base))
        costs.append(f"{ours} of {theirs} parameters")
    if row.seconds and base.seconds and row.seconds < base.seconds:
        ours, theirs = (number_format.seconds(each.seconds) for each in (row, base))
        costs.append(f"{ours} of {theirs} s/run")
    return costs
