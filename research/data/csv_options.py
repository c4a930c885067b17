"""CsvOptions: the settings of `csv:FILE`, which are flags of each launcher that trains."""

import dataclasses
from typing import Annotated, Literal

from research.data.adapted import Impute
from research.data.csv_columns import Reading, delimiter_of
from research.data.csv_numbers import Format
from research.options import Count, Range


@dataclasses.dataclass(frozen=True)
class CsvOptions:
    """What a user says of a csv file: the column to predict, and how the cells are read.

    The field names are flags and are stored in the records of runs.
    """

    target: Annotated[str, "the column to predict"] = ""
    impute: Impute = None
    task: Annotated[
        Literal["auto", "classification", "regression", "forecast", "unlabelled"],
        "auto: classification for texts and few whole numbers; forecast: the target is a series,"
        " row after row; unlabelled: there is no target",
    ] = "auto"
    context: Annotated[Count | None, "forecast: values per window; none: 64"] = None
    burn_in: Annotated[
        int, Range(0), "of a forecast: steps at a window's start whose error does not count"
    ] = 0
    time: Annotated[str, "forecast: sort the rows by this column of times"] = ""
    series: Annotated[str, "forecast: the column that names each row's series"] = ""
    group: Annotated[
        str, "the column that says which rows belong together, for group_kfold; it is no input"
    ] = ""
    weight: Annotated[
        str, "the column that says what each row weighs in the training loss; it is no input"
    ] = ""
    drop: Annotated[tuple[str, ...], "columns to leave out"] = ()
    encoding: Annotated[
        str, "text encoding of the file; default: that of its byte-order mark, else utf-8"
    ] = ""
    delimiter: Annotated[
        str, "what separates cells, such as ';' or tab; default: what the first lines have most"
    ] = ""
    comment: Annotated[str, "leave out the lines that begin with this, such as #"] = ""
    decimal: Annotated[Literal[".", ","], "the decimal mark of numbers"] = "."
    thousands: Annotated[str, "the mark between groups of three digits: , . ' or a blank"] = ""
    dates: Annotated[
        Literal["ordinal", "parts"] | None,
        "read columns of dates as days since 1970-01-01 (ordinal), or as year, month, day, weekday"
        " and hour (parts); none: refuse them",
    ] = None
    missing: Annotated[
        tuple[str, ...], "further texts that mean a missing value, such as -999 or NA"
    ] = ()
    numbers: Annotated[
        tuple[str, ...], "columns that are numbers, whatever they look like: 63%, $ 5, 01000"
    ] = ()
    categories: Annotated[
        tuple[str, ...], "columns that are categories, whatever they look like"
    ] = ()

    def reading(self) -> Reading:
        """How the file is read. Raises UserError if the options contradict each other."""
        form = Format(self.decimal, self.thousands, self.missing, self.numbers, self.categories)
        delimiter = delimiter_of(self.delimiter)
        return Reading(self.encoding, self.comment, self.drop, form, delimiter, self.dates or "")

    def for_series(self) -> bool:
        """Whether an option is set that applies only to a series."""
        return bool(self.context or self.burn_in or self.time or self.series)
