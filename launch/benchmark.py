"""Runs one of the measurements.

Examples:
  python -m launch.benchmark packing
  python -m launch.benchmark step --arch=cnn,lstm --against=torch
"""

from collections.abc import Sequence

from launch import start
from launch.benchmarks import (
    checkpoint,
    data,
    devices,
    kill,
    packing,
    samplers,
    scale,
    scaling,
    simulate,
    slurm,
    step,
    stop,
    tables,
    tune,
)
from research.errors import UserError, nearest

BENCHMARKS = {
    "checkpoint": checkpoint.measure,
    "data": data.measure,
    "devices": devices.measure,
    "kill": kill.measure,
    "packing": packing.measure,
    "samplers": samplers.measure,
    "scale": scale.measure,
    "scaling": scaling.measure,
    "simulate": simulate.measure,
    "slurm": slurm.measure,
    "step": step.measure,
    "stop": stop.measure,
    "tables": tables.measure,
    "tune": tune.measure,
}


def main(arguments: Sequence[str]) -> None:
    if len(arguments) != 1 or arguments[0] not in BENCHMARKS:
        raise UserError(
            f"name one benchmark; {nearest(arguments[0] if arguments else '', BENCHMARKS)}"
        )
    BENCHMARKS[arguments[0]]()


if __name__ == "__main__":
    start.run(main)
