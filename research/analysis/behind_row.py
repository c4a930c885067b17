"""What is behind a row: its runs, their configs and machines, their values, and the test."""

from collections.abc import Mapping, Sequence

from research.analysis import number_format, provenance_text
from research.analysis.arms_table import ArmsTable, Cell, Row
from research.analysis.number_format import NOTHING
from research.statistics.comparisons import Null
from research.statistics.crossed import CrossedRows
from research.statistics.intervals import Interval
from research.statistics.nulls import EXACT_UP_TO, SharedFolds, SharedRows, SignFlips
from research.statistics.row_tests import McNemar, RowBootstrap
from research.statistics.two_fold import TwoFold
from research.sweeps.records.record import Record


def behind_row(table: ArmsTable, label: str) -> str:
    """All that is behind one row, as text. Raises UserError with the nearest labels for one that
    does not exist."""
    row = table.row(label)
    records = [record for seed in table.seeds for record in row.arm.behind(seed)]
    sections = [
        [f"{table.title}: {label}" + (" (the baseline)" if label == table.baseline else "")],
        *_configs(table, row),
        ["Provenance", *_provenance(records)],
        *(_column(table, row, index) for index in range(len(table.columns))),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _configs(table: ArmsTable, row: Row) -> list[list[str]]:
    """What the row's runs share, what differs among them, and what sets the row off from the
    baseline."""
    shared, differing = _split(row.arm.configs())
    sections = [["Settings that its runs share", *_pairs(shared)]] if shared else []
    if differing:
        sections.append(
            [
                f"Settings that differ among its runs, by {table.pair}",
                *_pairs({k: ", ".join(v) for k, v in differing.items()}),
            ]
        )
    if table.baseline not in (None, row.label):
        base, _ = _split(table.row(table.baseline or "").arm.configs())
        keys = [
            key
            for key in {**base, **shared}
            if key not in differing and base.get(key) != shared.get(key)
        ]
        changes = {key: f"{base.get(key, NOTHING)} -> {shared.get(key, NOTHING)}" for key in keys}
        sections.append(
            [f"Against the baseline '{table.baseline}'", *(_pairs(changes) or ["  nothing"])]
        )
    return sections


def _split(configs: Sequence[Mapping[str, str]]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """(what all configs share, values by key where they differ)."""
    keys = dict.fromkeys(key for config in configs for key in config)
    values = {key: [config.get(key, NOTHING) for config in configs] for key in keys}
    shared = {key: v[0] for key, v in values.items() if len(set(v)) == 1}
    return shared, {key: v for key, v in values.items() if key not in shared}


def _provenance(records: Sequence[Record]) -> list[str]:
    """Versions, then every other key of the provenance: its values where few, their range where
    many."""
    if not records:
        return ["  nothing: none of its runs has a record"]
    keys = dict.fromkeys(
        key for record in records for key in record.provenance if key != "versions"
    )
    texts = {"versions": provenance_text.versions(records)}
    for key in keys:
        values = provenance_text.distinct(records, key)
        numbers = [n for value in values if (n := number_format.as_number(value)) is not None]
        many = len(values) > 3 and len(numbers) == len(values)
        texts[key] = f"{min(numbers):g} to {max(numbers):g}" if many else ", ".join(values)
    return _pairs({key: value for key, value in texts.items() if value}) or [
        "  the records do not say"
    ]


def _column(table: ArmsTable, row: Row, index: int) -> list[str]:
    """The values of one metric run by run, and how the verdict comes about."""
    column = table.columns[index]
    cell = row.cells[index]
    base = None
    if table.baseline not in (None, row.label):
        base = table.row(table.baseline or "").cells[index]
    return [
        f"{column.label} ({column.metric}, {column.better} is better)",
        *_values(table, row, cell, base),
        f"  mean: {_interval(cell.interval)}",
        *(_test(table, cell, table.nulls[index]) if base else []),
        *_published(cell),
    ]


def _values(table: ArmsTable, row: Row, cell: Cell, base: Cell | None) -> list[str]:
    header = [
        table.pair,
        "run id",
        "outcome",
        "value",
        *([table.baseline or "", "difference"] if base else []),
    ]
    lines = [header]
    for i, seed in enumerate(table.seeds):
        ours = cell.values[i]
        record = row.arm.records.get(seed)
        line = [
            str(seed),
            ",".join(run.run_id for run in row.arm.behind(seed)) or NOTHING,
            _outcome(cell.outcomes[i], record),
        ]
        line.append(_number(ours))
        if base:
            theirs = base.values[i]
            both = None if ours is None or theirs is None else ours - theirs
            line += [_number(theirs), _number(both, "+")]
        lines.append(line)
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return [
        "  " + "  ".join(text.ljust(w) for text, w in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _outcome(outcome: str, record: Record | None) -> str:
    if record is not None and record.status == "failed" and record.error:
        return f"failed: {record.cause}"
    if record is None or record.diverged_at is None:
        return outcome
    why = f": {record.cause}" if record.cause else ""
    return f"{outcome} at step {record.diverged_at}{why}"


def _test(table: ArmsTable, cell: Cell, null: Null) -> list[str]:
    lines = [f"  difference to '{table.baseline}': {_interval(cell.difference)}"]
    if cell.difference is not None and cell.p is not None:
        flips = "exact" if len(table.seeds) <= EXACT_UP_TO else "sampled"
        tests: dict[type[Null], str] = {
            SignFlips: f"two-sided p of sign flips ({flips}), about these rows",
            SharedRows: "two-sided p of the t-test with the corrected variance, about new data",
            SharedFolds: "two-sided p of the corrected repeated k-fold t-test, about new data",
            TwoFold: "two-sided p of the 5x2 cv F test, about new data",
            RowBootstrap: "two-sided p of the paired bootstrap of the rows, about new test rows",
            McNemar: "two-sided p of McNemar's test, about new test rows",
            CrossedRows: "two-sided p of the t-test with the variance of seeds and rows, about new"
            " test rows",
        }
        lines += [
            f"  {tests[type(null)]}, from {cell.difference.n} pairs: {_number(cell.p)}",
            f"  corrected for {_family(table)}: {_number(cell.p_adjusted)}",
        ]
    if cell.over_seeds is not None:
        lines.append(f"  the difference over seeds: {_interval(cell.over_seeds)}")
    return [*lines, f"  verdict: {cell.verdict}"]


def _family(table: ArmsTable) -> str:
    if table.family == "table":
        return f"all {table.tested_together} tests of the table"
    return f"all {table.m} rows"


def _published(cell: Cell) -> list[str]:
    if cell.published is None:
        return []
    paper = cell.published.published
    spread = "" if paper.spread is None else f" ± {paper.spread!r}"
    return [
        f"  published: {paper.value!r}{spread}; gap {_number(cell.published.gap, '+')}:"
        f" {cell.published.verdict}"
    ]


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return "none"
    width = "" if interval.half_width is None else f" ± {interval.half_width:.6g}"
    return f"{interval.mean:.6g}{width} (n = {interval.n})"


def _number(value: float | None, sign: str = "") -> str:
    return NOTHING if value is None else f"{value:{sign}.6g}"


def _pairs(pairs: Mapping[str, str]) -> list[str]:
    width = max((len(key) for key in pairs), default=0)
    return [f"  {key.ljust(width)}  {value}" for key, value in pairs.items()]
