"""A records folder as pages that open without a network: sweeps, experiments, tunings and runs."""

import dataclasses
import html as html_lib
from collections.abc import Iterator, Sequence
from pathlib import Path

from launch.cli.planner import planner
from launch.cli.sweep_rows import by_row
from research.analysis import answer_figures, figures, html
from research.analysis.answer_figures import Answer
from research.analysis.arms_table import ArmsTable
from research.analysis.experiment_report import of_experiment
from research.analysis.parallel_coordinates import parallel_figure
from research.analysis.run_pages import BROWSER, scripts
from research.analysis.sensitivity import settings_figure
from research.analysis.sweep_report import of_sweep
from research.analysis.trained_experiments import may_have_records
from research.analysis.view import View
from research.data.progress_bar import counted
from research.durable_files import write_atomically
from research.errors import UserError
from research.sweeps.declare import experiment_files
from research.sweeps.declare.sweep_spec import SweepSpec, names
from research.sweeps.execute.ensure_records import done
from research.sweeps.execute.terminal import Terminal
from research.sweeps.experiment import EXPERIMENTS
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.words import plural

# Larger tables show their best rows first; the whole table is behind a link.
WHOLE_TABLE = 20
BEST = 10
NOTHING = "<p>none</p>"


def write_site(store: Store, records: Sequence[Record], directory: Path) -> Path:
    """Writes index.html and the files behind its links; returns its path.

    Args:
        store: the records folder.
        records: its records.
        directory: where the page is written.
    """
    for name, text in scripts(records).items():
        write_atomically(directory / name, text)
    parts = [
        html.section("Experiments", *(list(_experiments(store, records, directory)) or [NOTHING])),
        html.section("Sweeps", *(list(_sweeps(store, directory)) or [NOTHING])),
        html.section("Tunings", *(list(_tunings(store, directory)) or [NOTHING])),
        html.section("Runs", BROWSER),
    ]
    write_atomically(directory / "index.html", html.page(f"Records in {store.root}", parts))
    return directory / "index.html"


def _experiments(store: Store, records: Sequence[Record], directory: Path) -> Iterator[str]:
    experiment_files.load(store.warn)
    for experiment in counted([*EXPERIMENTS], "experiments", "page"):
        plans = planner()
        try:
            if not may_have_records(experiment, records):
                # Skipped before it is planned, which takes seconds per experiment.
                continue
            rows = by_row(experiment, plans, store)
            runs = [run.id for of_row in rows.values() for run in of_row]
            if not store.find(runs)[0]:
                continue
            shown = of_experiment(experiment, plans, store, Terminal(), train=False)
        except UserError as error:
            # Its data may be elsewhere; the others are still shown.
            yield f"<p>{html_lib.escape(f'{experiment.name}: {error}')}</p>"
            continue
        page = _page(shown.table, "experiment", directory, shown.answer)
        yield _link(page, experiment.name, shown.table)


def _sweeps(store: Store, directory: Path) -> Iterator[str]:
    for name in counted(names(store), "sweeps", "page"):
        try:
            sweep = SweepSpec.load(store, name)
            recorded = done(sweep.runs, store, store.warn)
            table = of_sweep(name, sweep, sweep.runs, recorded, sweep.notes, store=store)
        except UserError as error:
            yield f"<p>{html_lib.escape(f'{name}: {error}')}</p>"
            continue
        yield _link(_page(table, "sweep", directory), name, table)


def _tunings(store: Store, directory: Path) -> Iterator[str]:
    if not any(store.root.glob("tunings/*.journal")):
        return
    # It needs Optuna, which takes half a second.
    from research.analysis.tuning_pages import write_page
    from research.sweeps.tuning import journal

    for name in counted(journal.names(store), "tunings", "page"):
        try:
            yield write_page(store, name, directory)
        except UserError as error:
            yield f"<p>{html_lib.escape(f'{name}: {error}')}</p>"


def _link(file: Path, name: str, table: ArmsTable) -> str:
    rows = plural(len(table.rows), "row")
    return (
        f'<p><a href="{html_lib.escape(file.name)}">{html_lib.escape(name)}</a>: {rows},'
        f" {plural(len(table.seeds), 'seed')}</p>"
    )


def _page(table: ArmsTable, kind: str, directory: Path, answer: Answer = None) -> Path:
    """Writes the page of a table: its answer first, then figures and panels behind links.

    Args:
        table: the table.
        kind: what the name of the file begins with.
        directory: where it is written.
        answer: the effects of a design, or what several data sets say together.
    """
    stem = f"{kind}-{table.title.replace('/', '-')}"
    parts = ['<p><a href="index.html">all records</a></p>']
    if answer is not None:
        parts.append(html.section("Answer", html.fragment(answer)))
    large = len(table.rows) > WHOLE_TABLE
    if large:
        best = View(top=BEST).apply(table)
        every = directory / f"{stem}-rows.html"
        write_atomically(every, html.page(table.title, [html.fragment(table)]))
        link = f'<p><a href="{html_lib.escape(every.name)}">all {len(table.rows)} rows</a></p>'
        parts.append(html.section("Best settings", html.fragment(best), link))
    else:
        parts.append(html.section("Table", html.fragment(table)))
    parts += _answers(table, stem, directory)
    drawings = figures.of_table(table) | answer_figures.of_answer(answer)
    links = [
        f'<li><a href="{html_lib.escape(_svg(drawing(), stem, name, directory))}">'
        f"{html_lib.escape(name)}</a></li>"
        for name, drawing in drawings.items()
    ]
    left_out = [f"<li>{html_lib.escape(reason)}</li>" for reason in figures.left_out(table)]
    parts.append(html.section("Figures", "<ul>", *links, *left_out, "</ul>"))
    runs = directory / f"{stem}-runs.html"
    write_atomically(runs, html.page(f"Runs of {table.title}", _runs(table)))
    parts.append(f'<p><a href="{html_lib.escape(runs.name)}">its runs</a></p>')
    file = directory / f"{stem}.html"
    write_atomically(file, html.page(table.title, parts))
    return file


def _runs(table: ArmsTable) -> Iterator[str]:
    """A line per row, with a link to each of its runs."""
    for row in table.rows:
        # A seed's estimate has no record of its own: the links are to the runs behind it.
        links = (
            f'<a href="index.html#{record.run_id}">{_seed_and_fold(seed, record)}</a>'
            for seed in sorted(row.arm.records)
            for record in row.arm.behind(seed)
        )
        yield f"<p>{html_lib.escape(row.label)}: seeds {', '.join(links)}</p>"


def _seed_and_fold(seed: int, record: Record) -> str:
    fold = record.config.get("fold", "none")
    return str(seed) if fold == "none" else f"{seed} (fold {html_lib.escape(fold)})"


def _answers(table: ArmsTable, stem: str, directory: Path) -> Iterator[str]:
    """Sensitivity and parallel coordinates of a sweep's settings, in its first metric."""
    column = table.columns[0]
    measured = any(row.cells[0].interval is not None for row in table.rows)
    if not table.rows or len(table.rows[0].arm.settings) < 2 or not measured:
        return
    short = dataclasses.replace(table, columns=(column,))
    for name, heading, draw in (
        ("sensitivity", "Sensitivity to each setting", settings_figure),
        ("parallel", "Parallel coordinates", parallel_figure),
    ):
        file = _svg(draw(short, column), stem, f"all-{name}", directory)
        image = f'<img src="{html_lib.escape(file)}" style="max-width:100%" alt="{heading}">'
        yield html.section(heading, f"<figure>{image}</figure>")


def _svg(figure, stem: str, name: str, directory: Path) -> str:  # type: ignore[no-untyped-def]
    """Writes a figure; returns the name of its file."""
    file = f"{stem}-{name.replace('/', '-')}.svg"
    # Without its date: unchanged records give unchanged files.
    figure.savefig(directory / file, format="svg", metadata={"Date": None})
    return file
