"""launch.table --from: the table of a csv file of results that were trained elsewhere."""

from pathlib import Path
from typing import cast

from absl import flags

from launch.cli.table_flags import BASELINE, COLUMN, FAMILY, FROM, PAIR, ROW
from research.analysis.arms_table import ArmsTable
from research.analysis.external import external_table, read_results
from research.errors import UserError
from research.statistics.families import Family


def refuse_flags_of_from() -> None:
    """Raises UserError for a flag that only --from has a use for."""
    for name in ("row", "pair", "column"):
        if flags.FLAGS[name].present:
            raise UserError(f"--{name} applies only to --from=FILE.csv; leave it out")


def external() -> ArmsTable:
    """The table of a csv file."""
    of_training = ("rows", "seeds", "explain", "no_train", "claim", "estimate", "test")
    for flag in ("experiment", "name", *of_training, "until", "budget", "register"):
        if flags.FLAGS[flag].present:
            raise UserError(f"--{flag} does not apply to --from; leave one of them out")
    results = read_results(FROM.value)
    if ROW.value is None or PAIR.value is None or not COLUMN.value:
        raise UserError(
            "--from requires --row, --pair and --column; the columns of"
            f" {FROM.value} are {', '.join(results.columns)}"
        )
    title = Path(FROM.value).stem
    return external_table(
        results,
        ROW.value,
        PAIR.value,
        COLUMN.value,
        BASELINE.value,
        title,
        cast(Family, FAMILY.value or "column"),
    )
