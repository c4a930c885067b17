"""Several processes: two that share a sweep by claims, and two that train one run together
(jax.distributed, gloo)."""

import os
import re
import signal
import socket
import time
from pathlib import Path

import numpy as np

from tests.support import command_lines
from tests.support.command_lines import Started
from tests.support.records import stored_records

DATA = ["--dataset=digits", "--train_size=300", "--batch_size=60", "--learning_rate=0.05"]
RUN = [*DATA, "--arch.hidden=16", "--regularization=dropout=0.2,batch_norm,mixup=0.2"]


def start(name: str, folder: Path, *arguments: str, devices: int = 2) -> Started:
    """A launcher as a process of its own, in a folder."""
    folder.mkdir(exist_ok=True)
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count={devices}"
    line = [name, *arguments, f"--cache_dir={folder.parent / 'cache'}"]
    return command_lines.start(line, folder, XLA_FLAGS=flags)


def finished(process: Started, code: int = 0) -> str:
    """Its error output, after it ended with that code."""
    result = process.wait()
    assert result.code == code, result.err
    return result.err


def test_two_processes_that_share_a_sweep_train_each_run_once(tmp_path: Path) -> None:
    sweep = [*DATA, "--epochs=20", "--grid=arch.hidden=8|8,8|9", "--seeds=2"]
    errors = [
        finished(process)
        for process in [start("sweep", tmp_path / "shared", *sweep) for _ in range(2)]
    ]
    trained = [int((re.findall(r"finished=(\d+)", err) or ["0"])[-1]) for err in errors]
    assert sum(trained) == len(stored_records(tmp_path / "shared")) == 6
    bars = [re.findall(r"([\d.]+)/(\d+) \[", err)[-1] for err in errors]
    assert bars == [("120.0", "120")] * 2  # also of what the other trained
    assert not list((tmp_path / "shared/records/claims/runs").iterdir())


def test_lanes_over_devices_have_the_same_bits(tmp_path: Path) -> None:
    """Three lanes, one by one on two devices in turn, and on one."""
    lanes = [
        "--dataset=digits",
        "--train_size=128",
        "--epochs=2",
        "--arch=cnn",
        "--arch.channels=2,3",
        "--arch.dense=4",
    ]
    for devices in (2, 1):
        finished(start("sweep", tmp_path / str(devices), *lanes, "--seeds=3", devices=devices))
    two, one = (
        {k: dict(v) for k, v in stored_records(tmp_path / name).items()} for name in ("2", "1")
    )
    assert {record.pop("provenance")["devices"] for record in two.values()} == {2}
    assert {record.pop("provenance")["devices"] for record in one.values()} == {1}
    assert two == one
    assert len(one) == 3


def together(folder: Path, *arguments: str) -> list[Started]:
    """Two processes of two devices each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    meet = [f"--coordinator=127.0.0.1:{port}", "--processes=2", "--devices=all"]
    return [
        start("train", folder, *RUN, *arguments, *meet, f"--process={place}") for place in range(2)
    ]


def assert_same_curves(a: Path, b: Path) -> None:
    ((run_a, record_a),) = stored_records(a).items()
    ((run_b, record_b),) = stored_records(b).items()
    assert run_a == run_b
    for name, curve in record_a["curves"].items():
        np.testing.assert_allclose(
            curve, record_b["curves"][name], rtol=2e-4, atol=1e-6, err_msg=name
        )


def test_two_processes_of_two_devices_train_as_one_of_four(tmp_path: Path) -> None:
    for process in [
        *together(tmp_path / "two", "--epochs=2"),
        start_alone(tmp_path / "one", "--epochs=2"),
    ]:
        finished(process)
    assert_same_curves(tmp_path / "two", tmp_path / "one")
    (record,) = stored_records(tmp_path / "two").values()
    assert record["provenance"]["replicas"] == 4


def start_alone(folder: Path, *arguments: str) -> Started:
    return start("train", folder, *RUN, *arguments, "--devices=4", devices=4)


def test_processes_agree_on_stopping_and_one_device_goes_on(tmp_path: Path) -> None:
    """SIGTERM reaches one of them; both end, and a checkpoint is there that one process on one
    device resumes."""
    both = together(tmp_path / "stopped", "--epochs=200", "--checkpoint_every=20")
    packs = tmp_path / "stopped/records/checkpoints"
    deadline = time.monotonic() + 120
    while not list(packs.glob("*/[0-9]*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    both[1].send(signal.SIGTERM)
    first, _ = (finished(process, 75) for process in both)
    assert "stopped by SIGTERM" in first
    assert not stored_records(tmp_path / "stopped")
    assert list(packs.glob("*/[0-9]*"))
    err = finished(start("train", tmp_path / "stopped", *RUN, "--epochs=200", devices=1))
    assert "does not read back" not in err
    # The learning rate is constant: fewer epochs begin with the same curves.
    finished(start("train", tmp_path / "alone", *RUN, "--epochs=3", devices=1))
    ((_, resumed),), ((_, alone),) = (
        stored_records(tmp_path / name).items() for name in ("stopped", "alone")
    )
    begin = slice(0, 3)
    for name in ("train/loss", "validation/loss"):
        np.testing.assert_allclose(
            resumed["curves"][name][begin], alone["curves"][name][begin], rtol=1e-3
        )
    assert len(resumed["curves"]["train/loss"]) == 200
