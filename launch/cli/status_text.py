"""What launch.status prints: how far sweeps, an experiment or a tuning are."""

import dataclasses
from collections import Counter
from collections.abc import Iterator

from launch.cli.sweep_rows import of_sweep
from research.analysis import progress
from research.durable_files import file_clock
from research.errors import UserError
from research.sweeps.coordinate.sweep_status import Status, SweepMember, claimed, status
from research.sweeps.declare.sweep_spec import SweepSpec, is_tuning, names
from research.sweeps.records.store import Store
from research.sweeps.slurm import cluster
from research.sweeps.slurm.folder import Folder, place_of


@dataclasses.dataclass(frozen=True)
class Asked:
    """Of what the status is asked: a sweep or tuning by its name, an experiment, or neither: every
    sweep. html: the directory of a page.

    Raises UserError for both a name and an experiment, and for a page of neither.
    """

    name: str | None
    experiment: str | None
    html: str | None

    def __post_init__(self) -> None:
        if self.name is not None and self.experiment is not None:
            raise UserError("give --name or --experiment, not both")
        if self.html is not None and self.name is None and self.experiment is None:
            raise UserError(
                "--html requires --name or --experiment: it writes the page of one sweep"
            )


def status_lines(records: Store, asked: Asked) -> tuple[list[str], bool]:
    """(how far it is, whether nothing is left to train). Raises UserError for a name that is not
    there, and for a page of a tuning."""
    if asked.name is None or not is_tuning(records, asked.name):
        return _sweeps(records, asked)
    if asked.html is not None:
        shown = f"launch.table --name={asked.name} --format=html --out=trials.html"
        raise UserError(
            f"'{asked.name}' is a tuning, and --html is for sweeps; {shown} writes a page of its"
            " trials"
        )
    return _tuning(records, asked.name)


def _tuning(records: Store, name: str) -> tuple[list[str], bool]:
    """(how far the tuning is, whether nobody tunes it now)."""
    # It needs Optuna, which takes half a second.
    from research.sweeps.tuning import journal

    return list(journal.lines(records, name)), journal.claim_of(name) not in claimed(
        records.root, file_clock(records.root)
    )


def _sweeps(records: Store, asked: Asked) -> tuple[list[str], bool]:
    """(how far the sweeps or the experiment are, whether all is done); without a name the tunings
    too."""
    unnamed = asked.name is None and asked.experiment is None
    tunings = list(_tunings(records)) if unnamed else []
    if unnamed and not names(records) and any(records.root.glob("tunings/*.journal")):
        if not tunings:
            raise UserError(f"no tuning in {records.root} can be read")
        return tunings, True
    title, current = _status(records, asked)
    return [*progress.lines(title, current), *_tasks(records, asked), *tunings], current.over


def _tunings(records: Store) -> Iterator[str]:
    """A line for each tuning; one whose journal is damaged hides no other."""
    if (records.root / "tunings").is_dir():
        from research.sweeps.tuning import journal

        for name in journal.names(records):
            try:
                yield from journal.lines(records, name)
            except UserError as error:
                records.warn(str(error))


def _status(records: Store, asked: Asked) -> tuple[str, Status]:
    """(what the status is of, the status); writes the page where one is asked for."""
    if asked.experiment is None and asked.name is None:
        return "sweep", status(list(_every(records)), records)
    if asked.name is not None and asked.html is None:
        return asked.name, status(of_sweep(SweepSpec.load(records, asked.name)), records)
    from launch.cli import html_report
    from research.sweeps.declare import experiment_files

    if asked.name is not None:
        sweep = SweepSpec.load(records, asked.name)
        return asked.name, html_report.look(asked.name, sweep, records, asked.html)
    name = asked.experiment or ""
    experiment = experiment_files.get(name, records.warn)
    return name, html_report.look(name, experiment, records, asked.html)


def _tasks(records: Store, asked: Asked) -> Iterator[str]:
    """What Slurm has of the tasks of the sweep or experiment, where they were sent there."""
    if asked.name is None and asked.experiment is None:
        return
    place = f"sweeps/{asked.name}" if asked.name else f"experiments/{asked.experiment}"
    jobs = [job.id for job in Folder(place_of(records.root, place)).jobs()]
    if jobs:
        try:
            states = Counter(str(task) for task in cluster.tasks(jobs))
        except cluster.Refused as error:
            yield f"Slurm's tasks: {error}"
        else:
            yield "Slurm's tasks: " + (
                ", ".join(f"{n} {state}" for state, n in states.items()) or "all are over"
            )


def _every(records: Store) -> Iterator[SweepMember]:
    """The runs of every sweep that has a name, which is their row."""
    known = names(records)
    if not known:
        raise UserError(
            f"no sweep in {records.root} has a name; launch.sweep --name=NAME gives one"
        )
    read = False
    for name in known:
        try:
            sweep = SweepSpec.load(records, name)
        except UserError as error:
            # A damaged sweep must not hide the others.
            records.warn(str(error))
        else:
            read = True
            yield from (SweepMember(one.run_id, name, one.epochs) for one in of_sweep(sweep))
    if not read:
        raise UserError(f"no sweep in {records.root} can be read")
