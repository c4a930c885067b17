"""From the table of every arm on every data set to the table over data sets."""

import dataclasses
from typing import Any

from research.analysis import claim_text, provenance_text
from research.analysis.arms_table import FOLD, ArmsTable, Column
from research.analysis.captions import left_out
from research.analysis.datasets_table import DatasetsRow, DatasetsTable
from research.analysis.kept_scores import KeptScores
from research.analysis.over_datasets import is_comparable, ranking, region_of, together, values_of
from research.analysis.table_builder import Scope, build_table
from research.analysis.weighing import weighing
from research.statistics.comparisons import Claim
from research.statistics.datasets import Ranking
from research.sweeps.declare.dataset_arms import DatasetArms, label_on
from research.words import plural


def datasets_table(
    trained: ArmsTable,
    arms: DatasetArms,
    strengths: str,
    claim: Claim | None = None,
    scores: KeptScores | None = None,
) -> DatasetsTable:
    """The table over data sets, from the table of every arm on every data set.

    Args:
        trained: has a row per arm and data set.
        arms: the declared arms and data sets.
        strengths: the footer's sentence on how strengths were chosen.
        claim: what the intervals on each data set are about.
        scores: the metric of each test row, where runs kept them.
    """
    columns = trained.columns
    by_label = {row.label: row.arm for row in trained.rows}

    # Folds or seeds: what the table of all data sets has is decided for each.
    scope = Scope(claim, scores, trained.pair)

    def on(dataset: str) -> ArmsTable:
        of_dataset = [
            dataclasses.replace(by_label[label_on(label, dataset)], label=label)
            for label in arms.declared
        ]
        return build_table(
            dataset,
            of_dataset,
            columns,
            arms.baseline,
            trained.seeds,
            scope=scope,
        )

    tables = tuple(on(dataset) for dataset in arms.datasets)
    values = tuple(values_of(tables, index) for index in range(len(columns)))
    rankings = tuple(ranking(*pair) for pair in zip(values, columns, strict=True))
    labels = list(arms.declared)
    by_column = [
        together(*of_column, labels, arms.baseline)
        for of_column in zip(values, columns, rankings, strict=True)
    ]
    rows = tuple(
        DatasetsRow(
            label,
            tuple(
                tuple(table.rows[place].cells[index] for table in tables)
                for index in range(len(columns))
            ),
            tuple(of_column[place] for of_column in by_column),
        )
        for place, label in enumerate(labels)
    )
    table = DatasetsTable(
        trained.title,
        trained.summary,
        columns,
        arms.datasets,
        arms.baseline,
        tables,
        rows,
        rankings,
        values,
    )
    footer = (
        *_footer(table),
        strengths,
        *left_out(trained),
        provenance_text.sentence(trained.records()),
    )
    return dataclasses.replace(
        table, caption=_caption(table), footer=tuple(text for text in footer if text)
    )


def _caption(table: DatasetsTable) -> str:
    n = len(table.tables[0].seeds)
    pair = table.tables[0].pair
    percent = [column.label for column in table.columns if column.in_percent]
    sentences = [
        f"{table.title.rstrip('.')}: {plural(len(table.rows), 'arm')} on"
        f" {plural(len(table.datasets), 'data set')}.",
        f"Cells are mean ± half-width of the 95 % interval over n = {n} {pair}s"
        f"{' of one seed' if pair == FOLD else ''}."
        if n > 1
        else "One seed: cells have no interval.",
        *(_claims(table) if n > 1 else []),
        "Average ranks, and the verdict by them, are about other data sets like these."
        if any(table.rankings)
        else "",
        weighing(row for trained in table.tables for row in trained.rows),
        f"In percent: {', '.join(percent)}." if percent else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _claims(table: DatasetsTable) -> list[str]:
    """What the intervals on each data set are about, with the data sets where they differ."""
    by_sentence: dict[str, list[str]] = {}
    for dataset, of_dataset in zip(table.datasets, table.tables, strict=True):
        by_sentence.setdefault(claim_text.about(of_dataset), []).append(dataset)
    if len(by_sentence) == 1:
        return list(by_sentence)
    return [f"On {', '.join(datasets)}: {text}" for text, datasets in by_sentence.items() if text]


def _footer(table: DatasetsTable) -> list[str]:
    """How the columns that there are, and what is bold, are to be read."""
    ranks = [
        _ranks(table, column, ranking)
        for column, ranking in zip(table.columns, table.rankings, strict=True)
    ]
    cells = [cell for row in table.rows for of_column in row.cells for cell in of_column]
    bold = (
        "Bold: on each data set, the best mean and every row that cannot be distinguished from it"
        " at 95 % confidence there."
    )
    return [
        *ranks,
        *(_means(table) if any(table.rankings) else []),
        *(_to_baseline(table) if _together(table, "improvement") else []),
        *([bold] if any(cell.bold for cell in cells) else []),
    ]


def _together(table: DatasetsTable, name: str) -> list[Any]:
    """What there is of a field of `Together`, in all rows and columns."""
    values = [getattr(each, name) for row in table.rows for each in row.together]
    return [value for value in values if value is not None]


def _means(table: DatasetsTable) -> list[str]:
    """What ranks and interquartile means are made of."""
    pair = table.tables[0].pair
    sentences = [f"Average rank: of the means over {pair}s, 1 is best."]
    middles = _together(table, "middle")
    if middles:
        spanned = any(middle.low is not None for middle in middles)
        bootstrap = ", with a bootstrap that is stratified by data set" if spanned else ""
        sentences.append(
            "IQM: the mean of the middle half of all"
            f" {'data sets' if pair == FOLD else 'runs'}{bootstrap} (Agarwal et al. 2021)."
        )
    if pair == FOLD:
        sentences.append(
            "Folds of one seed are not independent runs, so each data set counts with the mean of"
            " its folds, and what the data sets say together has no interval."
        )
    if others := [column.label for column in table.columns if not is_comparable(column)]:
        sentences.append(
            f"No IQM of {', '.join(others)}: it is no share, and its scale may differ from data set"
            " to data set."
        )
    return sentences


def _ranks(table: DatasetsTable, column: Column, ranking: Ranking | None) -> str:
    """Friedman's test and Nemenyi's critical difference."""
    if ranking is None:
        return f"{column.label}: fewer than two arms have a value in every run."
    difference = ranking.critical_difference
    unreachable = difference > len(ranking.ranks) - 1
    count = plural(len(table.datasets), "data set")
    return (
        f"{column.label}: Friedman's χ² of the ranks is {ranking.statistic:.2f}, p ="
        f" {ranking.p:.4f}; average ranks differ where they are more than {difference:.2f} apart"
        f" (Nemenyi, 5 %){f', which {count} cannot reach' if unreachable else ''}."
    )


def _to_baseline(table: DatasetsTable) -> list[str]:
    """How the comparisons with the baseline are to be read."""
    spanned = any(each.low is not None for each in _together(table, "improvement"))
    interval = ", with its 95 % interval" if spanned else ""
    better = (
        f"how often a run is better than one of '{table.baseline}', averaged over data sets"
        if table.tables[0].pair != FOLD
        else f"on what share of the data sets the mean is better than that of '{table.baseline}'"
    )
    sentences = [f"P(better): {better}{interval}."]
    regions = []
    for column in table.columns:
        region = region_of(column)
        if region is None:
            sentences.append(f"{column.label} has no margin, so no data sets count as equivalent.")
        elif column.in_percent:
            regions.append(f"{100 * region:g} points of {column.label}")
        else:
            regions.append(f"{region:g} of {column.label}")
    if regions:
        sentences.append(
            "Worse / equivalent / better: posterior probabilities of a typical data set (Bayesian"
            f" signed ranks); differences within {' and '.join(regions)} are equivalent."
        )
    return sentences
