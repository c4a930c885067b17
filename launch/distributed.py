"""Several processes that train each run together, over all their devices: --coordinator, --processes, --process."""

import os
import sys

from absl import flags

from research.errors import UserError

COORDINATOR = flags.DEFINE_string("coordinator", None, "HOST:PORT of process 0, where several processes train together")
PROCESSES = flags.DEFINE_integer("processes", None, "how many processes train together; none: as the cluster says")
PROCESS = flags.DEFINE_integer("process", None, "which of them this is, from 0; none: as the cluster says")


def join() -> None:
    """Waits for the other processes, if the flags name any; all but the first are silent from here on.

    Call before JAX is asked for a device. Raises UserError if they cannot be reached.
    """
    if COORDINATOR.value is None:
        if PROCESSES.value is not None or PROCESS.value is not None:
            raise UserError("--processes and --process need --coordinator=HOST:PORT, the address of process 0")
        return
    import jax  # here, since every program imports this file, and not all need JAX

    jax.config.update("jax_enable_preemption_service", True)
    try:
        jax.distributed.initialize(COORDINATOR.value, PROCESSES.value, PROCESS.value)
    except (ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"coordinator={COORDINATOR.value}: the processes did not meet: {reason}") from None
    if jax.process_index() > 0:
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115  (open until the process ends)
