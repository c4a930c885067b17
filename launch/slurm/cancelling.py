"""Slurm's jobs of a sweep, cancelled: launch.sweep --cancel."""

from absl import flags

from launch.cli.records import store
from research.errors import UserError
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.slurm import cluster
from research.sweeps.slurm.executor import cancel
from research.sweeps.slurm.folder import Folder, place_of
from research.words import plural

# What --cancel may be given with: the name, and where its sweep is.
CANCEL_TAKES = ("cancel", "name", "records", "cache_dir")


def cancel_jobs(name: str | None) -> None:
    """Cancels the jobs of the sweep of that name. Raises UserError if a flag asks for more."""
    if name is None:
        raise UserError("--cancel requires --name=SWEEP")
    others = [
        name for name in flags.FLAGS if flags.FLAGS[name].present and name not in CANCEL_TAKES
    ]
    if others:
        raise UserError(f"--cancel cancels all jobs of --name; leave --{others[0]} out")
    records = store()
    SweepSpec.load(records, name)
    cluster.check("--cancel is of jobs there")
    jobs = cancel(Folder(place_of(records.root, f"sweeps/{name}")))
    if jobs:
        print(f"cancelled {plural(len(jobs), 'job')}: {', '.join(jobs)}")
    else:
        print(f"Slurm has no jobs of '{name}'; nothing was cancelled")
