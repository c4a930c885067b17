"""Pages of tunings: what was tried, the figures of the trials, and how each trial ended."""

import html as html_lib
from collections.abc import Iterator
from pathlib import Path

from optuna.samplers import RandomSampler
from optuna.study import Study

from research.analysis import html
from research.analysis.parallel_coordinates import lines_figure
from research.analysis.trials import figures_of
from research.analysis.trials_table import TrialsTable, trials_table
from research.analysis.view import View
from research.durable_files import write_atomically
from research.sweeps.column import Column
from research.sweeps.execute.ensure_records import done
from research.sweeps.records.store import Store
from research.sweeps.tuning import journal
from research.sweeps.tuning.journal import Studied
from research.sweeps.tuning.study import study
from research.words import plural

# The best trials of a tuning; the others are behind a link.
BEST = 10


def write_page(store: Store, name: str, directory: Path) -> str:
    """Writes the page of a tuning; returns a link to it with how far the tuning is.

    Args:
        store: the records folder.
        name: the tuning's.
        directory: where the page is written.

    Raises:
        UserError: the journal is damaged.
    """
    studies = journal.read(store, name)
    trials = [trial for each in studies for trial in each.trials]
    ran = [str(trial.user_attrs["run"]) for trial in trials if "run" in trial.user_attrs]
    table = trials_table(name, studies, done(ran, store, store.warn))
    stem = f"tuning-{name}"
    parts = ['<p><a href="index.html">all records</a></p>', *_progress(store, name)]
    if len(table.rows) > BEST:
        every = f"{stem}-trials.html"
        write_atomically(directory / every, html.page(name, [html.fragment(table)]))
        link = f'<p><a href="{html_lib.escape(every)}">all {len(table.rows)} trials</a></p>'
        parts.append(html.section("Best trials", html.fragment(View(top=BEST).apply(table)), link))
    elif table.rows:
        parts.append(html.section("Trials", html.fragment(table)))
    parts += _parallel(table)
    for each in studies:
        column = Column(each.metric.replace("/", " "), each.metric, each.better)
        parts.append(html.section(each.name, *_figures(each, column)))
    file = directory / f"{stem}.html"
    write_atomically(file, html.page(name, parts))
    return (
        f'<p><a href="{html_lib.escape(file.name)}">{html_lib.escape(name)}</a>:'
        f" {plural(len(table.rows), 'trial')}</p>"
    )


def _progress(store: Store, name: str) -> Iterator[str]:
    yield html.preformatted(journal.lines(store, name))


def _parallel(table: TrialsTable) -> Iterator[str]:
    """Parallel coordinates of the trials that have a value; nothing for a single setting."""
    rows = [(row.settings, row.value) for row in table.rows if row.value is not None]
    if rows and len(table.keys) > 1:
        figure = lines_figure("a line per trial; black: the best", rows, table.column)
        yield html.section("Parallel coordinates", html.drawing(figure))


def _figures(studied: Studied, column: Column) -> Iterator[str]:
    """The figures of a study, and why one is left out."""
    if not any(trial.state.is_finished() for trial in studied.trials):
        yield "<p>no trial is over yet</p>"
        return
    for _, figure in figures_of(_as_study(studied), column):
        yield (
            f"<p>{html_lib.escape(figure)}</p>"
            if isinstance(figure, str)
            else (html.drawing(figure))
        )


def _as_study(studied: Studied) -> Study:
    """A study in memory with the trials that are over: the journal may be another process's."""
    again = study(None, studied.name, studied.better, {}, RandomSampler())
    again.add_trials([trial for trial in studied.trials if trial.state.is_finished()])
    return again
