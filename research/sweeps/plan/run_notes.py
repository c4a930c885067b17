"""Notes on runs: what a reader of their table must know of their data and their training."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from research.data.features.table_columns import TableColumns
from research.data.spec import DataSpec
from research.sweeps.plan.run_plan import PlannedRun
from research.training.setup import rows_read
from research.training.step import norm_statistics
from research.words import plural

# Columns that a note names.
_SHOWN = 5


def notes(runs: Sequence[PlannedRun], ignored: Mapping[str, Collection[str]]) -> list[str]:
    """The notes, without repetitions.

    Args:
        runs: the runs.
        ignored: the settings that do not apply, by host estimator.
    """
    programs = list({run.program.id: run.program for run in runs}.values())
    specs = {program.spec.fingerprint: program.spec for program in programs}.values()
    known = {f"{spec.note}." for spec in specs if spec.note}
    read = [f"{spec.name}: {note}." for spec in specs for note in (*_columns_of(spec), *spec.notes)]
    scaled = {
        run.program.spec.name
        for run in runs
        if run.config.target_scaling == "standard" and not run.program.fitted
    }
    targets = [
        f"{name}: targets are scaled to mean 0 and deviation 1 of the training rows"
        " (target_scaling=standard); metrics are in the data's units."
        for name in sorted(scaled)
    ]
    training = [
        f"{note}."
        for program in programs
        for note in (*rows_read.notes(program), *norm_statistics.notes(program))
    ]
    chosen = [
        f"{program.spec.name}: select={program.config.select.name} leaves arch="
        f"{program.config.arch.name} its {program.spec.inputs.shape[0]} inputs; those that are not"
        " chosen are 0."
        for program in programs
        if program.config.selects and not program.fitted
    ]
    fitted = dict.fromkeys(program.config.arch.name for program in programs if program.fitted)
    names_of: dict[str, list[str]] = {}
    for name in fitted:
        if name in ignored:
            names_of.setdefault(", ".join(sorted(ignored[name])), []).append(name)
    unused = [
        f"arch={', '.join(names)} is fitted on the host; what does not apply to it: {settings}."
        for settings, names in names_of.items()
    ]
    return [*sorted(known), *dict.fromkeys([*read, *targets, *training, *chosen, *unused])]


def _columns_of(spec: DataSpec) -> Iterator[str]:
    """How the columns of a file were read: `5 numbers and 2 categories (sex, port)`."""
    table = spec.inputs.stored
    if not spec.name.startswith("csv:") or not isinstance(table, TableColumns):
        return
    coded = [table.names[table.starts[column]] for column in table.coded_columns]
    shown = [name.partition("=")[0] for name in coded[:_SHOWN]]
    named = f" ({', '.join(shown)}{', …' * (len(coded) > _SHOWN)})" * bool(coded)
    categories = f"{len(coded)} {'category' if len(coded) == 1 else 'categories'}{named}"
    yield f"{plural(len(table.numeric_columns), 'number')}{f' and {categories}' * bool(coded)}"
