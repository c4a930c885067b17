"""What launch.doctor examines where --dataset names data: the findings, and their page."""

from pathlib import Path
from typing import Any

from launch.cli.planner import planner
from launch.cli.run_flags import run_settings
from research import config as config_lib
from research import messages
from research.analysis.audit import checklist
from research.analysis.audit.checklist import Report
from research.analysis.audit.data_parts import DataParts, data_parts
from research.analysis.audit.examination import examine, examine_file
from research.analysis.audit.histograms import histograms
from research.analysis.html import drawing, section
from research.data.csv_options import CsvOptions
from research.durable_files import write_atomically
from research.errors import UserError
from research.sweeps.plan.run_plan import trainable

CSV = "csv:"


def examined() -> tuple[DataParts, Report]:
    """The data that the flags name, and what its examination found.

    Raises UserError if no data is named, if it cannot be read, or if it has no rows of one array.
    """
    settings: dict[str, Any] = dict(run_settings())
    if "dataset" not in settings:
        raise UserError(f"--{next(iter(settings))} applies to data; name it with --dataset=NAME")
    if "arch" not in settings:
        # Nothing is trained, so that a small file needs no small batch.
        settings.setdefault("batch_size", "full")
    report: Report = {}
    if str(settings["dataset"]).startswith(CSV) and settings.get("task") != "forecast":
        report |= _without_unread(settings)
    plans = planner()
    run, *_ = trainable(plans.fitting(plans.each_fold([settings])))
    spec = run.program.spec
    if spec.inputs.collected or spec.inputs.arrays or spec.targets.arrays:
        raise UserError(
            f"{spec.name} is {spec.inputs.describe()}; launch.doctor examines rows that are one"
            " array of inputs with a target each"
        )
    for note in spec.notes:
        messages.say(f"note: {note}")
    data = data_parts(run, plans)
    return data, report | examine(data, lambda name: messages.say(f"checking {name}"))


def _without_unread(settings: dict[str, Any]) -> Report:
    """Leaves the columns out of the settings that cannot be read; returns why they cannot."""
    config, _ = config_lib.resolve(settings)
    options = CsvOptions(**dict(config.dataset.options))
    path = config.dataset.name.removeprefix(CSV)
    file = examine_file(Path(path).expanduser(), options)
    if file.unread:
        settings["dataset.drop"] = (*options.drop, *file.unread)
    if file.gaps and options.impute is None:
        # What lacks values is examined too; the statistic itself is not looked at.
        settings["dataset.impute"] = "mean"
    return file.report


def write_page(directory: str, data: DataParts, report: Report) -> None:
    """Writes the findings and the histograms as a page.

    Args:
        directory: where it goes.
        data: what was examined.
        report: the findings.
    """
    page = Path(directory) / "index.html"
    drawn = [section("Columns", drawing(histograms(data)))] if data.columns else []
    write_atomically(page, checklist.page(f"Data of {data.name}", report, *drawn))
    print(f"wrote {page}")
