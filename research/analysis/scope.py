"""What a verdict is about: the same rows with other seeds, or new rows from the same source."""

from collections.abc import Iterable, Mapping, Sequence

from research.analysis.arms_table import Arm
from research.analysis.kept_scores import KeptScores, crossed_rows
from research.analysis.variation import WINDOW_TASKS
from research.data.split import parse_split
from research.errors import UserError
from research.statistics.comparisons import Claim, Null
from research.statistics.nulls import SharedRows, SignFlips
from research.sweeps.column import Column

CLAIMS: tuple[Claim, ...] = ("rows", "new")


def overlap(configs: Iterable[Mapping[str, str]], metric: str) -> float | None:
    """The share of its evaluated rows that a seed's split shares with another's, on average.

    It is the part of all rows that the split evaluates, whatever the number of training rows. None
    where seeds do not split all rows themselves, or where the metric is of the training rows.
    """
    evaluated = metric.partition("/")[0]
    shares = set()
    seeds = set()
    splits = set()
    for config in configs:
        seed = config.get("seed")
        if config.get("task") in WINDOW_TASKS or config.get("split_seed", "") != seed:
            return None
        seeds.add(seed)
        splits.add(config.get("split", "8:1:1"))
    for split in splits:
        # Every row tests in some fold, whatever the seed.
        if not split[:1].isdigit():
            return None
        ratios = parse_split(split)
        rows = {"test": ratios[-1], "validation": ratios[1] if len(ratios) == 3 else 0}
        shares.add(rows.get(evaluated, 0) / sum(ratios))
    share = shares.pop() if len(shares) == 1 else 0.0
    return share if share and len(seeds) > 1 else None


def configs_of(arms: Iterable[Arm]) -> list[Mapping[str, str]]:
    """The configs of all runs; none where a data set has test rows of its own, which are the same
    whatever the seed."""
    arms = list(arms)
    records = [record for arm in arms for record in arm.records.values()]
    if any(record.provenance.get("own_test_rows") for record in records):
        return []
    return [config for arm in arms for config in arm.configs()]


def null_of(
    claim: Claim | None,
    arms: Sequence[Arm],
    column: Column,
    seeds: Sequence[int],
    scores: KeptScores | None = None,
) -> Null:
    """The distribution behind a column's intervals and verdicts, of all rows of the table.

    Args:
        claim: None claims new data where the records allow it.
        arms: the rows of the table.
        column: the column.
        seeds: those of the table.
        scores: the metric of each row, where runs kept them.

    Raises:
        UserError: for a claim about new data that the records do not allow.
    """
    if claim == "rows":
        return SignFlips()
    share = overlap(configs_of(arms), column.metric)
    if share is not None:
        return SharedRows(share)
    crossed = scores and crossed_rows(arms, column.metric, seeds, scores)
    if crossed:
        return crossed
    if claim == "new" and len(seeds) < 2:
        raise UserError(
            "--claim=new: one seed does not show how others would vary; train two or more, as"
            " --seeds=10, or the folds of one, as --split='kfold(5)'"
        )
    if claim == "new":
        raise UserError(
            f"--claim=new: '{column.label}' is measured on the same rows for every seed, or"
            " on training rows, so nothing shows how it varies over new rows; use --claim=rows, or"
            " --keep_predictions, which keeps the scores of each test row (of a metric that is a"
            " mean over rows), or"
            " data without test rows of its own and without --split_seed, so that each seed draws"
            " its own split"
        )
    return SignFlips()
