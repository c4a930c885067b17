"""Flags of how runs are trained and kept: devices, checkpoints, parameters, what is written beside
the records."""

import typing
from typing import Any

import jax
from absl import flags

from launch.cli.memory_flags import memory
from launch.cli.start import define_directory, define_output
from research.duration import Period
from research.errors import UserError
from research.sweeps.execute.execution_options import Execution
from research.sweeps.execute.terminal import Terminal
from research.training.checkpoint.pack_manifest import Keep

CHECKPOINTS = define_directory(
    "checkpoints", None, "directory of the checkpoints; none: checkpoints/ in --records"
)
CHECKPOINT_EVERY = flags.DEFINE_string(
    "checkpoint_every",
    "5min",
    "interval between checkpoints: time, steps, epochs or percent (5min, 500, 10%)",
)
CHECKPOINT_KEEP = flags.DEFINE_enum(
    "checkpoint_keep",
    "last",
    typing.get_args(Keep),
    "last: keep the last two; best: also the one of the lowest validation loss; all: keep every"
    " one, also after the end",
)
DEVICES = flags.DEFINE_string("devices", "1", "devices per run (data parallelism), or all")
KEEP_PARAMS = flags.DEFINE_bool(
    "keep_params",
    False,
    "keep each run's best and last parameters, for launch.evaluate and --init_from",
)
KEEP_PREDICTIONS = flags.DEFINE_bool(
    "keep_predictions",
    False,
    "keep each run's scores of validation and test rows, with row numbers, in predictions/RUN.npz",
)
TENSORBOARD = define_output("tensorboard", "write the runs' curves as TensorBoard event files here")
PROFILE = define_output(
    "profile", "write a profiler trace of the training here, for TensorBoard or xprof"
)


def execution(here: bool = True) -> Execution:
    """How the flags say that runs are trained. here: on devices of this process.

    Raises UserError on a text that is no interval.
    """
    try:
        every = Period.parse(CHECKPOINT_EVERY.value)
    except UserError as error:
        raise UserError(f"checkpoint_every: {error}") from None
    keep: Any = CHECKPOINT_KEEP.value
    replicas = _replicas(DEVICES.value) if here else 1
    return Execution(
        CHECKPOINTS.value,
        every,
        keep,
        replicas,
        memory(),
        KEEP_PARAMS.value,
        KEEP_PREDICTIONS.value,
    )


def terminal(**how: Any) -> Terminal:
    """The view of runs that train, with what the flags say is written beside. how: as Terminal
    takes it."""
    return Terminal(**how, tensorboard=TENSORBOARD.value, profile=PROFILE.value)


def _replicas(text: str) -> int:
    """How many devices a run is spread over. Raises UserError if so many are not there."""
    present = jax.device_count()
    if text == "all":
        return present
    if text == "1" and jax.process_count() > 1:
        raise UserError(
            f"{jax.process_count()} processes train each run together; give --devices=all"
        )
    kinds = ", ".join(sorted({f"{d.platform} {d.device_kind}" for d in jax.devices()}))
    if not text.isdigit() or not 1 <= int(text) <= present:
        more = "; a CPU is made several by XLA_FLAGS=--xla_force_host_platform_device_count=N" * (
            "cpu" in kinds
        )
        raise UserError(
            f"devices={text}: there are {present} ({kinds}); give 1 to {present}, or all{more}"
        )
    if int(text) % jax.process_count():
        raise UserError(
            f"devices={text} cannot be taken evenly from {jax.process_count()} processes"
        )
    return int(text)
