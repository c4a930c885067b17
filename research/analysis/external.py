"""Tables of results that were trained elsewhere: one value per row label and pair, from a csv file
or a frame."""

import csv
import dataclasses
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from research.analysis.arms_table import Arm, ArmsTable, Column
from research.analysis.captions import conclusions
from research.analysis.table_builder import Scope, build_table
from research.errors import UserError, nearest
from research.statistics.families import Family
from research.sweeps.column import Better
from research.sweeps.records.record import Record

# A metric with one of these words in its name is taken to be better where it is lower.
LOWER = frozenset(
    {"brier", "cer", "distance", "ece", "error", "fid", "loss", "mae", "mape"}
    | {"mase", "mse", "nll", "perplexity", "ppl", "rmse", "wer"}
)


@dataclasses.dataclass(frozen=True)
class Results:
    """Columns of equal length by name. source: what they are from; places: of each row, for
    messages."""

    source: str
    columns: Mapping[str, Sequence[Any]]
    places: Sequence[str]

    def column(self, name: str) -> Sequence[Any]:
        """The values of a column. Raises UserError with the nearest names."""
        if name not in self.columns:
            raise UserError(
                f"{self.source} has no column '{name}'; {nearest(name, [*self.columns])}"
            )
        return self.columns[name]


def read_results(data: str | os.PathLike[str] | Mapping[str, Sequence[Any]] | Any) -> Results:
    """Results from the path of a csv file, a pandas frame, or a mapping of columns.

    Raises UserError for a file that cannot be read, for lines of another length than the header,
    and for columns of different lengths.
    """
    if isinstance(data, str | os.PathLike):
        return _read_csv(Path(data))
    columns = {str(name): list(data[name]) for name in data}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} has {count}" for name, count in lengths.items())
        raise UserError(f"the columns have different lengths: {counts} values")
    rows = next(iter(lengths.values()), 0)
    return _checked(Results("the frame", columns, [f"row {i} of the frame" for i in range(rows)]))


def _read_csv(path: Path) -> Results:
    try:
        # utf-8-sig drops the byte order mark that spreadsheets write.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            rows = [(f"{path}, line {reader.line_num}", fields) for fields in reader if fields]
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is not a csv file in UTF-8: {error}") from None
    mark = next((mark for mark in (";", "\t") if len(header) == 1 and mark in header[0]), "")
    if mark:
        raise UserError(
            f"{path} has one column, {header[0]!r}; its fields seem to be separated by {mark!r}:"
            " save it with commas, and with points in its numbers"
        )
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise UserError(f"{path} has two columns '{min(twice)}'; give each a name of its own")
    for position, fields in rows:
        if len(fields) != len(header):
            raise UserError(f"{position}: {len(fields)} fields, but the header has {len(header)}")
    columns = {name: [fields[i] for _, fields in rows] for i, name in enumerate(header)}
    return _checked(Results(str(path), columns, [position for position, _ in rows]))


def _checked(results: Results) -> Results:
    if not results.places:
        raise UserError(f"{results.source} has no rows")
    return results


def external_table(
    results: Results,
    row: str,
    pair: str,
    columns: Sequence[str],
    baseline: str | None = None,
    title: str = "Results",
    family: Family = "column",
) -> ArmsTable:
    """The table of results that were trained elsewhere, with our intervals, tests and verdicts.

    Args:
        results: a line per training: its row label, its pair and its metrics.
        row: the column of row labels, such as `method`.
        pair: the column that says which values belong together across rows: a seed, a fold.
        columns: metrics; `NAME:lower` or `NAME:higher` says which values are better. Without it,
            lower is better where the name says so (loss, error, nll, ...); the footer tells.
        baseline: the row label that the others are compared with.
        title: of the table.
        family: the tests that p is corrected for.

    Raises:
        UserError: a column or baseline that does not exist, a value that is no number, or two
            values of one row and pair.
    """
    if row == pair:
        raise UserError(
            f"--row and --pair are both '{row}'; --row tells the rows apart (method), and --pair"
            " says which of their values belong together (seed, fold)"
        )
    metrics = [_column(text, results) for text in columns]
    labels = [str(label) for label in results.column(row)]
    pairs = [str(value) for value in results.column(pair)]
    seeds = _seeds(pairs)
    arms: dict[str, dict[int, Record]] = {label: {} for label in dict.fromkeys(labels)}
    first: dict[tuple[str, str], str] = {}
    for index, key in enumerate(zip(labels, pairs, strict=True)):
        position = results.places[index]
        label, value = key
        if key in first:
            raise UserError(
                f"{position}: a second value of {row} '{label}' at {pair} '{value}' (the first:"
                f" {first[key]}); give one line per {row} and {pair}"
            )
        first[key] = position
        numbers = {
            column.metric: number
            for column in metrics
            if (number := _number(results.column(column.metric)[index], column, position))
            is not None
        }
        run_id = f"{label} {value}"
        arms[label][seeds[value]] = Record(run_id, "finished", {"seed": value}, numbers)
    built = build_table(
        title,
        [Arm(label, records) for label, records in arms.items()],
        metrics,
        baseline,
        sorted(seeds.values()),
        scope=Scope(family=family),
    )
    notes = [*_missing(arms, seeds, pair), *_directions(metrics), f"Values: {results.source}."]
    if pair != "seed":
        notes.insert(0, f"A seed is a value of '{pair}' here.")
    named = dataclasses.replace(built, label_header=row, pair=pair, elsewhere=True)
    return dataclasses.replace(named, caption=_caption(named), footer=(*conclusions(named), *notes))


def _column(text: str, results: Results) -> Column:
    """A metric from `accuracy` or `nll:lower`."""
    name, _, better = text.rpartition(":")
    if text in results.columns or not name:
        words = set(re.findall(r"[a-z]+", text.lower()))
        return Column(text, text, "lower" if words & LOWER else "higher", percent=False)
    if better not in ("higher", "lower"):
        raise UserError(f"column '{text}': write {name}:higher or {name}:lower")
    direction: Better = "lower" if better == "lower" else "higher"
    return Column(name, name, direction, percent=False)


def _seeds(pairs: Sequence[str]) -> dict[str, int]:
    """A whole number for each pair: itself if all are numbers, else its place among them."""
    unique = list(dict.fromkeys(pairs))
    # Seeds keep their numbers in the table; `01` and `1` are two pairs, so they do not.
    if all(re.fullmatch(r"\d{1,18}", value) for value in unique):
        numbers = {value: int(value) for value in unique}
        if len(set(numbers.values())) == len(unique):
            return numbers
    return {value: index for index, value in enumerate(unique)}


def _number(value: Any, column: Column, position: str) -> float | None:
    """A metric's value; None if the field is empty."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        text = str(value).strip()
        hint = "; write it without %, on every line" if text.endswith("%") else ""
        if re.fullmatch(r"[+-]?\d+,\d+", text):
            hint = f"; write {text.replace(',', '.')}, with a point"
        raise UserError(
            f"{position}: {column.metric} is '{value}', which is not a number{hint}"
        ) from None


def _missing(
    arms: Mapping[str, Mapping[int, Record]], seeds: Mapping[str, int], pair: str
) -> list[str]:
    """The pairs that rows lack, in one sentence."""
    parts = []
    for label, records in arms.items():
        lacking = [value for value, seed in seeds.items() if seed not in records]
        if lacking:
            shown = ", ".join(lacking[:5]) + (", …" if len(lacking) > 5 else "")
            parts.append(f"{label} ({shown})")
    return [f"Rows that lack a {pair}: {'; '.join(parts)}."] if parts else []


def _directions(columns: Sequence[Column]) -> list[str]:
    sentences = []
    for word in ("higher", "lower"):
        names = [column.label for column in columns if column.better == word]
        if names:
            sentences.append(f"{word.capitalize()} is better: {', '.join(names)}.")
    return sentences


def _caption(table: ArmsTable) -> str:
    n = len(table.seeds)
    pair = table.pair
    sentences = [f"{table.title.rstrip('.')}."]
    if n > 1:
        sentences.append(
            f"Cells are mean ± half-width of the 95 % t-interval over n = {n} values of {pair}."
            f" Intervals and verdicts are about other values of {pair}, with all else unchanged."
        )
    else:
        sentences.append(f"One {pair}: cells have no interval.")
    if table.baseline is not None:
        over = "rows and columns" if table.family == "table" else "rows"
        sentences.append(
            f"Δ is the difference to '{table.baseline}', paired by {pair}, ± its simultaneous 95 %"
            f" interval over the {over}."
        )
    return " ".join(sentences)
