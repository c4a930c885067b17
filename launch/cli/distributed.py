"""Several processes that train each run together, over all their devices: --coordinator,
--processes, --process.

With --coordinator=auto the cluster says where they meet and which each is: Slurm, where srun
started them.
"""

import os
import re
import sys

from absl import flags

from research.errors import UserError

COORDINATOR = flags.DEFINE_string(
    "coordinator",
    None,
    "HOST:PORT of process 0 where several processes train together; auto: the cluster's own",
)
PROCESSES = flags.DEFINE_integer(
    "processes", None, "number of processes that train together; none: the cluster's own"
)
PROCESS = flags.DEFINE_integer(
    "process", None, "number of this process, from 0; none: the cluster's own"
)

AUTO = "auto"


def join() -> None:
    """Waits for the other processes, if the flags name any; all but the first print nothing more.

    Call it before JAX is asked for a device.

    Raises:
        UserError: if the flags contradict each other, or the processes cannot be reached.
    """
    if COORDINATOR.value is None:
        if PROCESSES.value is not None or PROCESS.value is not None:
            raise UserError(
                "--processes and --process need --coordinator=HOST:PORT, the address of process 0"
            )
        return
    if COORDINATOR.value == AUTO and (PROCESSES.value is not None or PROCESS.value is not None):
        raise UserError(
            "--coordinator=auto: the cluster says --processes and --process; leave them out"
        )
    if COORDINATOR.value != AUTO and (PROCESSES.value is None or PROCESS.value is None):
        raise UserError(
            f"--coordinator={COORDINATOR.value} needs --processes=N and --process=I, the"
            " number of this process, from 0"
        )
    count = PROCESSES.value or 0
    process = PROCESS.value or 0
    if COORDINATOR.value != AUTO and not 0 <= process < count:
        raise UserError(
            f"--process={process}: with --processes={count} it must be 0 to {count - 1}"
        )
    # Imported here: every program imports this file, and not all need JAX.
    import jax

    # With it the processes agree on the step at which they stop and save. A process that stopped by
    # itself would leave the others waiting in a collective operation.
    jax.config.update("jax_enable_preemption_service", True)
    try:
        if COORDINATOR.value == AUTO:
            # JAX gives each process under Slurm the one device of its local rank. That is right for
            # several processes per node; a process alone on its node takes all devices there.
            jax.distributed.initialize(local_device_ids=[] if _alone() else None)
        else:
            jax.distributed.initialize(COORDINATOR.value, PROCESSES.value, PROCESS.value)
    except (ValueError, RuntimeError) as error:
        if COORDINATOR.value == AUTO and isinstance(error, ValueError):
            raise UserError(
                "coordinator=auto: no cluster that JAX knows has started this process"
            ) from None
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"coordinator={COORDINATOR.value}: the processes could not connect: {reason}"
        ) from None
    # Every process runs the same program; only the first prints, so that no line appears twice.
    if jax.process_index() > 0:
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115  (open until the process ends)


def _alone() -> bool:
    """Whether Slurm has started one process per node."""
    # The variable reads "1(x4)" for four nodes with a process each, "2" for two on one node.
    return (
        re.fullmatch(r"1(\(x\d+\))?", os.environ.get("SLURM_STEP_TASKS_PER_NODE", "1")) is not None
    )
