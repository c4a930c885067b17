"""A Slurm of its own on this machine: a controller and two node daemons, n1 and n2; one directory
for all they keep."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

# As many cores as a node pretends to have: tasks of one core run side by side, whatever this
# machine has.
CORES = 4
HOSTS = Path("/etc/hosts")
NODES = ("n1", "n2")

CONF = """
ClusterName=tests
SlurmctldHost={host}
SlurmctldPort={port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SlurmdTimeout=10
KillWait=10
MaxArraySize=4
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1,sched_interval=1
{nodes}
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Why no Slurm can be started here, or ""."""
    programs = ("slurmctld", "slurmd", "sbatch", "munged")
    absent = [name for name in programs if shutil.which(name, path=_path()) is None]
    if absent:
        return f"{', '.join(absent)} not installed (tests/install.sh does it, as root)"
    return "" if os.getuid() == 0 else "a Slurm is started as root"


@contextlib.contextmanager
def running(folder: Path) -> Iterator[dict[str, str]]:
    """A Slurm with an empty queue; gives the variables by which its commands, and jobs, find it."""
    folder.mkdir(parents=True, exist_ok=True)
    host, ports = socket.gethostname(), _free_ports(1 + len(NODES))
    nodes = "\n".join(
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={CORES}"
        " RealMemory=4000"
        for name, port in zip(NODES, ports[1:], strict=True)
    )
    conf = folder / "slurm.conf"
    conf.write_text(CONF.format(host=host, port=ports[0], folder=folder, nodes=nodes))
    variables = {"SLURM_CONF": str(conf), "PATH": _path()}
    _name_nodes()
    daemons = [
        ["slurmctld", "-D", "-f", str(conf)],
        *(["slurmd", "-D", "-f", str(conf), "-N", name] for name in NODES),
    ]
    started = _munge()
    with open(folder / "daemons.log", "w") as log:
        started += [
            subprocess.Popen(
                line,
                env={**os.environ, **variables},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            for line in daemons
        ]
    try:
        wait_for(
            lambda: (
                said(variables, "sinfo", "-h", "-t", "idle", "-o", "%D").strip() == str(len(NODES))
            ),
            30,
        )
        yield variables
    finally:
        with contextlib.suppress(subprocess.SubprocessError):
            said(variables, "scancel", "--user=root")
            wait_for(lambda: not said(variables, "squeue", "-h"), 20)
        for daemon in reversed(started):
            daemon.send_signal(signal.SIGTERM)
        for daemon in started:
            daemon.wait(timeout=20)


def said(variables: dict[str, str], *words: str) -> str:
    """What a command of this Slurm says."""
    environment = {**os.environ, **variables}
    return subprocess.run(
        words, env=environment, capture_output=True, text=True, timeout=60, check=True
    ).stdout


def resume_drained(variables: dict[str, str]) -> None:
    """Takes drained nodes into service again. Slurm drains a node for a duplicate job id if a
    requeued job comes back before its first start has left the node."""
    drained = said(variables, "sinfo", "-h", "-N", "-t", "drain", "-o", "%N").split()
    for node in set(drained):
        said(variables, "scontrol", "update", f"nodename={node}", "state=resume")


def wait_for(holds: Callable[[], object], seconds: float, every: float = 0.2) -> None:
    """Waits until something holds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(subprocess.CalledProcessError):
            if holds():
                return
        time.sleep(every)
    raise AssertionError(f"waited for {seconds} s in vain")


def _path() -> str:
    """Where daemons lie too."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def _name_nodes() -> None:
    """Makes the nodes' names known: jobs that span both find each other by them."""
    for name in NODES:
        try:
            socket.gethostbyname(name)
        except OSError:
            with HOSTS.open("a") as hosts:
                hosts.write(f"127.0.0.1 {name}\n")


def _munge() -> list[subprocess.Popen[bytes]]:
    """Munge's daemon, started unless it runs."""

    def works() -> bool:
        return subprocess.run(["munge", "-n"], capture_output=True).returncode == 0

    if works():
        return []
    for place in ("/run/munge", "/var/log/munge", "/var/lib/munge", "/etc/munge"):
        Path(place).mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.chown(place, "munge", "munge")
    daemon = subprocess.Popen(
        ["/usr/sbin/munged", "--foreground"],
        user="munge",
        group="munge",
        extra_groups=[],
        start_new_session=True,
    )
    wait_for(works, 20)
    return [daemon]


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        free = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in free:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in free]
