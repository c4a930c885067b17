"""Resources: what each task of a sweep asks of Slurm."""

import dataclasses
import re
from typing import Any

from research.errors import UserError

# sbatch options that a sweep sets itself, and what sets them.
OWN = {
    "array": "--slurm.max_parallel",
    "output": "",
    "error": "",
    "open-mode": "",
    "signal": "",
    "requeue": "",
    "no-requeue": "",
    "dependency": "",
    "job-name": "--name",
    "nodes": "--nodes",
    "ntasks": "--nodes",
    "ntasks-per-node": "--nodes",
    "partition": "--slurm.partition",
    "gpus-per-node": "--slurm.gpus_per_node",
    "cpus-per-task": "--slurm.cpus",
    "mem": "--slurm.mem",
    "time": "--slurm.time",
    "account": "--slurm.account",
    "constraint": "--slurm.constraint",
}


@dataclasses.dataclass(frozen=True)
class Resources:
    """nodes: that train each run together. max_parallel: tasks at once. setup: a shell command
    before each task.

    time, mem: as sbatch takes them. extra: other sbatch options. What is None is left to the
    cluster.
    """

    partition: str | None = None
    gpus_per_node: int | None = None
    cpus: int | None = None
    mem: str | None = None
    time: str | None = None
    max_parallel: int | None = None
    account: str | None = None
    constraint: str | None = None
    setup: str | None = None
    extra: tuple[tuple[str, str], ...] = ()
    nodes: int = 1

    def options(self) -> dict[str, Any]:
        """What is given, as sbatch's options."""
        given = {
            "partition": self.partition,
            "gpus-per-node": self.gpus_per_node,
            "cpus-per-task": self.cpus,
            "mem": self.mem,
            "time": self.time,
            "account": self.account,
            "constraint": self.constraint,
            "nodes": self.nodes,
            "ntasks-per-node": 1,
            **dict(self.extra),
        }
        return {name: value for name, value in given.items() if value is not None}


def parse_extra(text: str) -> tuple[tuple[str, str], ...]:
    """`key=value,key=value` as options of sbatch; a comma inside brackets is the value's. Raises
    UserError."""
    options: dict[str, str] = {}
    for item in re.split(r",(?![^\[]*\])", text):
        name, is_pair, value = item.strip().partition("=")
        name = name.removeprefix("--").replace("_", "-")
        if not is_pair or not value.strip() or not re.fullmatch(r"[a-z][a-z-]*", name):
            raise UserError(
                f"slurm.extra={text}: '{item}' is not of the form key=value, as in"
                " 'qos=high,nice=100'"
            )
        if name in OWN:
            better = f"; give {OWN[name]}" if OWN[name] else ""
            raise UserError(f"slurm.extra={text}: '{name}' is set by the sweep itself{better}")
        if name in options:
            raise UserError(f"slurm.extra={text}: '{name}' is given twice")
        options[name] = value.strip()
    return tuple(options.items())
