"""Runs one benchmark of speed, safety or statistics.

Examples:
  python -m launch.benchmark packing
  python -m launch.benchmark step --arch=cnn,lstm --against=torch
"""

from collections.abc import Sequence

from benchmarks import (
    checkpoint,
    device_scaling,
    devices,
    fold_time,
    importance_time,
    kill,
    kmeans_time,
    packing,
    protocol_coverage,
    reading_rates,
    sampler_quality,
    scale,
    simulate,
    slurm,
    statistics,
    step_time,
    stop,
    table_time,
    tuning_time,
)
from launch.cli import start
from research.errors import UserError, nearest

BENCHMARKS = {
    "checkpoint": checkpoint.measure,
    "data": reading_rates.measure,
    "devices": devices.measure,
    "folds": fold_time.measure,
    "importance": importance_time.measure,
    "kill": kill.measure,
    "kmeans": kmeans_time.measure,
    "packing": packing.measure,
    "protocols": protocol_coverage.measure,
    "samplers": sampler_quality.measure,
    "scale": scale.measure,
    "scaling": device_scaling.measure,
    "simulate": simulate.measure,
    "slurm": slurm.measure,
    "statistics": statistics.measure,
    "step": step_time.measure,
    "stop": stop.measure,
    "tables": table_time.measure,
    "tune": tuning_time.measure,
}


def main(arguments: Sequence[str]) -> None:
    if len(arguments) != 1 or arguments[0] not in BENCHMARKS:
        raise UserError(
            f"name one benchmark; {nearest(arguments[0] if arguments else '', BENCHMARKS)}"
        )
    BENCHMARKS[arguments[0]]()


if __name__ == "__main__":
    start.run(main, words=True)
