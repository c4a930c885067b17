"""Basis: what a kept run needs to be applied to new data: the facts of its own data, and what was
fitted to it."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from research import config as config_lib
from research import identity
from research.config import RunConfig
from research.data import masks
from research.data.spec import Arrays, DataSpec, spec_of, stored_spec
from research.data.split import Split
from research.errors import Unknown, UserError
from research.registry import ARCHITECTURES
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.records.record import Record
from research.training.apply.final_metrics import run_lane
from research.training.setup.compatibility import as_taken
from research.training.setup.lane_inputs import make_lane, make_program
from research.training.step.state import Lane

# The fields of a lane that are fitted to its training rows.
FITTED = (
    "fill",
    "shift",
    "scale",
    "statistics",
    "target_shift",
    "target_scale",
    "unit",
    "constants",
)


def basis_of(run: PlannedRun, arrays: Arrays) -> dict[str, Any]:
    """The basis of a run as JSON has it; arrays: its own data."""
    lane = run_lane(run.program, run.config, arrays)
    fitted = {name: getattr(lane, name) for name in FITTED}
    # Those without numbers are left out, as older versions did.
    fitted = {name: value for name, value in fitted.items() if jax.tree.leaves(value)}
    fitted = jax.tree.map(lambda leaf: np.asarray(leaf).tolist(), fitted)
    return {"spec": stored_spec(run.program.spec), "fitted": fitted}


def applied(
    record: Record, basis: dict[str, Any], warn: Callable[[str], None]
) -> tuple[PlannedRun, Lane]:
    """The run of a record and its lane without rows, from a basis alone: its own data may be gone.

    Args:
        record: the run's record.
        basis: what the run saved of its data; see `basis_of`.
        warn: receives a warning if a method has another version now.

    Raises:
        UserError: a component of the run is not in the catalogue.
    """
    try:
        config, _ = config_lib.resolve(record.config)
    except Unknown as error:
        raise UserError(
            f"run {record.run_id} needs its --plugin=FILE if a part of it is your own: {error}"
        ) from None
    spec = as_taken(spec_of(basis["spec"]), ARCHITECTURES.get(config.arch.name))
    if identity.run_id(config, masks.data_id(config, spec)) != record.run_id:
        warn(
            f"run {record.run_id} used a method of another version than this code has; its outputs"
            " may differ"
        )
    return _run(record.run_id, config, spec, basis["fitted"])


def _run(
    run_id: str, config: RunConfig, spec: DataSpec, fitted: dict[str, Any]
) -> tuple[PlannedRun, Lane]:
    program = make_program(config, spec)
    with program.precision_context():
        arrays = jax.tree.map(np.asarray, fitted, is_leaf=lambda node: type(node) is list)
        arrays.setdefault("statistics", spec.inputs.fitted_like(program.dtype).statistics)
        nothing = np.zeros(0, np.int32)
        return PlannedRun(run_id, config, program), make_lane(
            config, program, Split(nothing, nothing, nothing), **arrays
        )
