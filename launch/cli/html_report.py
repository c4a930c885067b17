"""A sweep as a page: its progress, table, curves and plan, in one file that opens without a
network."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from launch.cli import plan_text
from launch.cli.planner import planner
from launch.cli.sweep_rows import by_row, of_sweep
from research.analysis import answer_figures, figures, html, progress
from research.analysis.experiment_report import of_experiment
from research.analysis.sweep_report import of_sweep as table_of
from research.analysis.table_report import TableReport
from research.durable_files import write_atomically
from research.errors import UserError
from research.sweeps.coordinate.sweep_status import FailedRun, Status, SweepMember, status
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.execute.ensure_records import done
from research.sweeps.execute.terminal import Terminal
from research.sweeps.experiment import Experiment
from research.sweeps.plan.run_plan import RequestedRun, unique
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.store import Store


def look(title: str, of: SweepSpec | Experiment, store: Store, directory: str | None) -> Status:
    """The status of a sweep or an experiment, by planning it.

    Args:
        title: the title of the page.
        of: the sweep or experiment.
        store: the records.
        directory: where index.html is written; None: nowhere.
    """
    plans = planner()
    if isinstance(of, SweepSpec):
        runs = plans.plan(of.requests)
        current = status(of_sweep(of), store)
    else:
        rows = by_row(of, plans, store)
        runs = [run for of_row in rows.values() for run in of_row]
        current = status(
            [
                SweepMember(run.id, row, run.config.epochs)
                for row, runs in rows.items()
                for run in runs
            ],
            store,
        )
    if directory is not None:
        page = html.page(title, _parts(title, of, unique(runs), current, plans, store))
        write_atomically(Path(directory) / "index.html", page)
        print(f"wrote {Path(directory) / 'index.html'}")
    return current


def _parts(
    title: str,
    of: SweepSpec | Experiment,
    runs: Sequence[RequestedRun],
    current: Status,
    plans: Planner,
    store: Store,
) -> Iterator[str]:
    """The sections of the page. runs: all that are known of the sweep or experiment."""
    yield html.section("How far it is", html.preformatted(progress.lines(title, current)))
    # Before the first records, or while a setting is still chosen, there is no table.
    with contextlib.suppress(UserError):
        shown = _shown(title, of, runs, plans, store)
        if any(shown.table.records()):
            if shown.answer is not None:
                yield html.section("Answer", html.fragment(shown.answer))
            yield html.section("Table", html.fragment(shown.table))
            yield html.section("Curves", *_curves(shown))
    yield html.section("Plan", html.preformatted(plan_text.lines(runs, store, plans)))
    if current.failures:
        yield html.section("Failures", html.preformatted(map(_failure, current.failures)))


def _failure(run: FailedRun) -> str:
    log = f" (log: {run.line.log})" if run.line.log else ""
    return f"{run.run_id} ({run.arm}): {run.line.error}{log}"


def _shown(
    title: str,
    of: SweepSpec | Experiment,
    runs: Sequence[RequestedRun],
    plans: Planner,
    store: Store,
) -> TableReport:
    """The table from the records that are there."""
    if isinstance(of, SweepSpec):
        ids = [run.id for run in runs]
        return TableReport(
            table_of(title, of, ids, done(ids, store, store.warn), plans.notes(runs))
        )
    return of_experiment(of, plans, store, Terminal(), train=False)


def _curves(shown: TableReport) -> Iterator[str]:
    """The figures of the table, drawn into the page."""
    drawings = figures.of_table(shown.table) | answer_figures.of_answer(shown.answer)
    for drawing in drawings.values():
        yield html.drawing(drawing())
