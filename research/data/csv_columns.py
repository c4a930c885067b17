"""The columns of a csv file as text: how the file is written, its rows, and where each of them
stands."""

# Types are not looked up: pyarrow is imported when a file is read.
from __future__ import annotations

import contextlib
import csv
import dataclasses
import itertools
import re
import string
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from research.data import column_files, csv_header, csv_text
from research.data.arrow import arrow_csv, pa, pc
from research.data.column_files import StoredRows
from research.data.csv_advice import FlagAdvice
from research.data.csv_numbers import Format
from research.data.garbled import garbled
from research.errors import UserError, nearest

_DELIMITERS = ",;\t|"
# Rows that Python's own reader keeps as lists before they become columns.
_BLOCK = 20_000
# Bytes that pyarrow's threads split at a time.
_BYTES = 4 << 20


@dataclasses.dataclass(frozen=True)
class Reading:
    """What the user says of how a file is read. encoding: "" for what its first bytes say, else
    UTF-8.

    comment: lines that begin with it are left out, "" for none. drop: columns that are left out.
        form: how cells are read. delimiter: what separates cells, "" for what the first lines say.
        dates: "" or what a column of dates becomes; see csv_moments.py.
    """

    encoding: str = ""
    comment: str = ""
    drop: tuple[str, ...] = ()
    form: Format = Format()
    # Not in the repr, whose digest is the key of a decoded copy.
    delimiter: str = dataclasses.field(default="", repr=False)
    dates: str = dataclasses.field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.delimiter and (len(self.delimiter) != 1 or self.delimiter in '\n\r"'):
            raise UserError(
                f"delimiter={self.delimiter}: expected one character, such as ; or |, or tab"
            )

    @classmethod
    def of(cls, options: Mapping[str, Any], units: tuple[tuple[str, str], ...]) -> Reading:
        """How new data is read, given the options and the units of the run's own. What was dropped
        there is passed over here."""
        form = {
            field.name: options[field.name]
            for field in dataclasses.fields(Format)
            if field.name in options
        }
        return cls(
            options.get("encoding", ""),
            options.get("comment", ""),
            form=Format(**form, recorded=True, units=units),
            delimiter=delimiter_of(options.get("delimiter", "")),
            dates=options.get("dates") or "",
        )


def delimiter_of(text: str) -> str:
    """The delimiter that a flag's text says: a tab is hard to type in a shell."""
    return "\t" if text in ("tab", "\\t") else text


PLAIN = Reading()


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a file is written. header_end: the line on which its header ends, from 1. quoted: whether
    it has quotes."""

    file: Path
    encoding: str
    comment: str
    delimiter: str
    quoted: bool
    header: tuple[str, ...]
    header_end: int

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows below the header that have a text: the line that each begins on, from 1, and its
        cells, stripped.

        Raises UserError, naming the row, for one with more or fewer cells than the header, or with
        an open quote.
        """
        rows = _rows(self.file, self.encoding, self.comment, self.delimiter)
        for number, (line, cells) in enumerate(itertools.islice(rows, 1, None)):
            if len(cells) != len(self.header):
                raise UserError(f"{self.file}, row {line}: {self._wrong(len(cells), not number)}")
            yield line, cells

    def _wrong(self, count: int, first: bool) -> str:
        """What to say of a row with so many cells; first: it is the one below the header."""
        expected = len(self.header)
        shown = self.delimiter.join(self.header)[:40]
        problem = f"{count} {'cell' if count == 1 else 'cells'}, but the header has {expected}"
        problem += " column" if expected == 1 else " columns"
        if not first:
            return problem
        names = " If each row begins with its name, as R writes it, name that column too"
        return f"{problem} ('{shown}'); is that its header?{names * (count == expected + 1)}"


class CsvColumn(NamedTuple):
    """One column: its name and its cells, texts without white space at their ends, "" where there
    is none; is_target: it is the one to predict."""

    file: Path
    name: str
    cells: pa.StringArray
    layout: Layout | StoredRows | None = None
    is_target: bool = False

    def error(self, row: int, problem: str) -> UserError:
        """The error at one of its cells."""
        return UserError(f"{self.where(row)}: {problem}")

    def advice(self, row: int, problem: str, flags: str, instead: str) -> FlagAdvice:
        """The error at one of its cells that flags would mend.

        Args:
            row: of the cell, from 0.
            problem: what is wrong.
            flags: the remedy, which names flags.
            instead: the remedy where there are no flags.

        Returns:
            The error, to be raised.
        """
        return FlagAdvice(f"{self.where(row)}: {problem}", flags, instead)

    def where(self, row: int) -> str:
        """The file, the line and the column of one of its cells."""
        return f"{self.file}, row {self.line(row)}, column '{self.name}'"

    def line(self, row: int) -> int:
        """The line of the file that a row begins on; the header's is 1."""
        if self.layout is None:
            return row + 2
        # Read again from the file: only errors name lines, and keeping them would take memory.
        line, _ = next(itertools.islice(self.layout.rows(), row, None))
        return line


class Sheet(NamedTuple):
    """The columns of a file, by their names, and notes on how it was read, as DataSpec has them."""

    columns: dict[str, CsvColumn]
    notes: list[str]


def read_columns(file: Path, reading: Reading = PLAIN, nameless: bool = False) -> Sheet:
    """The columns of a csv file with a header.

    Args:
        file: the file.
        reading: how the file is written, and the user's choices for its columns.
        nameless: whether columns without a name are read too. Otherwise they are left out where it
            is
            clear what they are.

    Raises:
        UserError: the file is not a proper csv file; the message names the row.
    """
    if kind := column_files.kind_of(file):
        return _stored_columns(file, kind, reading)
    layout = _layout(file, reading)
    chunks = _split(layout)
    size = sum(len(chunk) for chunk in chunks[0])
    if not size:
        raise UserError(f"{file} has a header but no rows")
    for name in reading.drop:
        if name not in layout.header:
            raise UserError(
                f"drop={name}: {file} has no such column; {nearest(name, layout.header)}"
            )
    columns = {}
    notes = csv_header.of_numbers(layout.header)
    notes += garbled(layout.header, "the header", layout.encoding)
    for place, name in enumerate(layout.header):
        # Taken from the list, so that the pieces of a column go as soon as it is whole.
        pieces, chunks[place] = chunks[place], []
        if name in reading.drop:
            continue
        # One column is joined at a time, so that the peak is one copy of the text and one column.
        cells = pa.concat_arrays(pieces)
        if csv_header.is_nameless(name) and not nameless:
            notes.append(csv_header.why_left_out(file, name, cells))
            continue
        columns[name] = CsvColumn(file, name, cells, layout)
    return Sheet(columns, notes)


def _stored_columns(file: Path, kind: str, reading: Reading) -> Sheet:
    """The columns of a file that has them by name and type."""
    for option in ("encoding", "comment", "delimiter"):
        if getattr(reading, option):
            raise UserError(f"{option} is for files of text, and {file} is {kind}; leave it out")
    texts = column_files.texts_of(file, kind, reading.drop)
    rows = column_files.StoredRows()
    return Sheet({name: CsvColumn(file, name, cells, rows) for name, cells in texts.items()}, [])


def _layout(file: Path, reading: Reading) -> Layout:
    """How the file is written. Raises UserError if it is no text, or its header does not name each
    column once."""
    encoding = csv_text.encoding_of(file, reading.encoding)
    quoted = csv_text.check(file, encoding)
    delimiter = reading.delimiter or _delimiter(file, encoding, reading.comment)
    with csv_text.opened(file, encoding) as text:
        reader = _reader(text, reading.comment, delimiter)
        _, header = next(_with_lines(file, reader), (0, None))
        header_end = reader.line_num
    if header is None:
        raise UserError(f"{file} is empty")
    names = csv_header.names_of(file, header)
    return Layout(file, encoding, reading.comment, delimiter, quoted, names, header_end)


def _delimiter(file: Path, encoding: str, comment: str) -> str:
    """The separator that the first line with a text has most often outside of quotes; the comma if
    it has none.

    If the second line has none of these, another one decides that both have equally often.
    """
    with csv_text.opened(file, encoding) as text:
        lines = [
            *itertools.islice((line for line in _uncommented(text, comment) if line.strip()), 2)
        ]
    csv_header.check_comment(file, lines, _DELIMITERS)
    first, second = (
        re.sub('"[^"]*("|$)', "", line) for line in itertools.islice([*lines, "", ""], 2)
    )
    likely = max(_DELIMITERS, key=first.count)
    if first.count(likely) and not second.count(likely):
        alike = [mark for mark in _DELIMITERS if second.count(mark) == first.count(mark) > 0]
        return next(iter(alike), likely)
    return likely


def _rows(
    file: Path, encoding: str, comment: str, delimiter: str
) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each row with a text, the header's first."""
    with csv_text.opened(file, encoding) as text:
        yield from _with_lines(file, _reader(text, comment, delimiter))


def _reader(text: TextIO, comment: str, delimiter: str) -> Any:
    # An open quote takes in the rest of the file, and is then named.
    csv.field_size_limit(sys.maxsize)
    return csv.reader(_uncommented(text, comment), delimiter=delimiter, strict=True)


def _uncommented(text: TextIO, comment: str) -> Iterator[str]:
    """The lines of the text, those that are comments empty, so that lines can still be counted."""
    return ("\n" if comment and line.startswith(comment) else line for line in text)


def _with_lines(file: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
    """The line that each row with a text begins on, and its cells. Raises UserError, naming it, for
    a wrong quote."""
    line = 1
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        problem = (
            "its quote is never closed"
            if "unexpected end" in str(error)
            else f"a quote ends before its cell does ({error}); within quotes write a quote as"
            ' two, "", or leave out the quotes around the cell'
        )
        raise UserError(f"{file}, row {line}: {problem}") from None


def _split(layout: Layout) -> list[list[pa.StringArray]]:
    """The cells of each column, in pieces.

    pyarrow takes a quarter of the time of Python's reader, which reads what pyarrow might take
    otherwise, or does not
    take: quotes within a cell, quotes in comments, rows that are too long or too short. It names
        the row.
    """
    if not layout.quoted or (
        not layout.comment and csv_text.quotes_enclose(layout.file, layout.delimiter)
    ):
        # pyarrow does not name the row that it refuses; Python's reader then does.
        with contextlib.suppress(pa.ArrowInvalid):
            return _split_by_arrow(layout)
    return _split_by_python(layout)


def _split_by_python(layout: Layout) -> list[list[pa.StringArray]]:
    """As _split. Raises UserError, naming the row, as Layout.rows does."""
    columns: list[list[pa.StringArray]] = [[] for _ in layout.header]
    rows = layout.rows()
    while block := [cells for _, cells in itertools.islice(rows, _BLOCK)]:
        for pieces, cells in zip(columns, zip(*block, strict=True), strict=True):
            pieces.append(pc.utf8_trim_whitespace(pa.array(cells, pa.string())))
    return columns


def _split_by_arrow(layout: Layout) -> list[list[pa.StringArray]]:
    """As _split. Raises pa.ArrowInvalid for a row with more or fewer cells than the header."""
    names = [str(place) for place in range(len(layout.header))]
    blank = layout.delimiter + string.whitespace

    def ragged(row: Any) -> str:
        without = not row.text.strip(blank) or (
            layout.comment and row.text.startswith(layout.comment)
        )
        return "skip" if without else "error"

    columns: list[list[pa.StringArray]] = [[] for _ in names]
    with (
        csv_text.unpacked(layout.file) as data,
        arrow_csv.open_csv(
            data,
            arrow_csv.ReadOptions(
                column_names=names,
                skip_rows=layout.header_end,
                encoding=layout.encoding,
                block_size=_BYTES,
            ),
            arrow_csv.ParseOptions(
                delimiter=layout.delimiter,
                quote_char='"' if layout.quoted else False,
                newlines_in_values=layout.quoted,
                invalid_row_handler=ragged,
            ),
            arrow_csv.ConvertOptions(
                # Everything is read as text: pyarrow would infer types, and 007 would become 7.
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=False,
            ),
        ) as batches,
    ):
        for batch in batches:
            for pieces, cells in zip(
                columns, _with_text(batch, layout.comment).columns, strict=True
            ):
                pieces.append(pc.utf8_trim_whitespace(cells))
    return columns


def _with_text(batch: pa.RecordBatch, comment: str) -> pa.RecordBatch:
    """The rows that are not empty and no comments."""
    without = pa.scalar(True)
    for cells in batch.columns:
        without = pc.and_(without, pc.equal(pc.utf8_trim_whitespace(cells), ""))
        if not pc.any(without).as_py():
            break
    if comment:
        without = pc.or_(without, pc.starts_with(batch.column(0), comment))
    return batch.filter(pc.invert(without)) if pc.any(without).as_py() else batch
