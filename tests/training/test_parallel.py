"""Law 3: one run on 1, 2, 4 or 8 devices, of one process or two, is the same run."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SPREAD = Path(__file__).parent / "spread.py"
DEVICES = (1, 2, 4, 8)

Result = dict[str, Any]

EVERYTHING = {
    "optimizer__momentum": 0.9,
    "regularization": "dropout=0.3,mixup=0.4,shift=1,batch_norm,l2=0.01,activity_penalty=0.01",
    "epochs": 20,
}
PADDED = {**EVERYTHING, "batch_size": 12, "remainder": "pad"}  # 40 rows: 12, 12, 12, 4
DROPPED = {**EVERYTHING, "batch_size": 9}
OTHERS = {
    "optimizer": "sam",
    "arch__activation": "rrelu",
    "arch__residual": True,
    "arch__members": 3,
    "accumulate": 2,
    "regularization": (
        "cutmix=1,label_smoothing=0.1,batch_norm,stochastic_depth=0.3,weight_noise=0.05,l1=0.01,"
        "ema(0.9,statistics=recomputed)"
    ),
    "label_noise": 0.3,
    "class_weight": "{0: 0.5, 1: 3}",
    "remainder": "pad",
    "batch_size": 11,
}
# Sequences, and so targets, of unequal lengths: 40 rows, 14, 14 and 12.
SEQUENCES = {
    "arch": "tcn",
    "arch__channels": 4,
    "arch__levels": 2,
    "arch__kernel": 2,
    "regularization": "batch_norm,activity_penalty=0.05,dropout=0.2",
    "loss_mean": "targets",
    "batch_size": 14,
    "remainder": "pad",
}
# Two players, one of which makes two updates in each step, with noise from the rows of both.
GAME = {
    "task": "reconstruction",
    "scaling": "none",
    "arch": "two_points",
    "objective": "quadratic_game",
    "objective__noise": 0.3,
    "objective__updates_y": 2,
    "objective__turns": "alternating",
    "optimizer__y__momentum": 0.5,
    "learning_rate__x": 0.3,
    "accumulate": 2,
    "batch_size": 7,
}
# What two processes train together.
TOGETHER = {
    "name": "together",
    "settings": {**PADDED, "precision": "float64"},
    "replicas": 4,
    "epochs": 3,
    "dispatch": 4,
}
# Rows and classes that weigh more than others, in batches of 11, 11, 11 and 7.
WEIGHTED = {"class_weight": "balanced", "batch_size": 11, "remainder": "pad", "accumulate": 2}
BANDIT = {
    "objective": "policy_gradient",
    "objective.horizon": 3,
    "arch": "linear",
    "updates_per_epoch": 4,
    "epochs": 2,
    "batch_size": 7,
}
TABLE = {
    "regularization": "mixup=1.0,input_noise=0.1",
    "schedule": "reduce_on_plateau",
    "batch_size": 7,
}


def spread(
    out: Path,
    cases: list[dict[str, Any]],
    devices: int,
    *,
    environment: dict[str, str] | None = None,
) -> Any:
    """Starts the cases in a process with so many devices."""
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count={devices}"
    own = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": flags,
        "PYTHONPATH": str(SPREAD.parents[2]),
        **(environment or {}),
    }
    command = [sys.executable, str(SPREAD), str(out), *map(json.dumps, cases)]
    return subprocess.Popen(
        command, env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finished(process: Any, out: Path) -> dict[str, Result]:
    text, _ = process.communicate(timeout=1200)
    assert process.returncode == 0, text[-4000:]
    return json.loads(out.read_text())  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """All curves on up to 8 devices, from one process."""
    wide = {"precision": "float64"}
    cases: list[dict[str, Any]] = []
    for n in DEVICES:
        cases += [
            {
                "name": f"padded {n}",
                "settings": {**PADDED, **wide},
                "replicas": n,
                "epochs": 13,
                "dispatch": 4,
            },
        ]
    for n in (1, 8):
        cases += [{"name": f"float32 {n}", "settings": PADDED, "replicas": n}]
    for n in (1, 3):
        cases += [
            {
                "name": f"dropped {n}",
                "settings": {**DROPPED, **wide},
                "replicas": n,
                "epochs": 13,
                "dispatch": 3,
            }
        ]
    for n in (1, 4):
        cases += [
            {"name": f"others {n}", "settings": {**OTHERS, **wide}, "replicas": n, "epochs": 2}
        ]
    for n in (1, 4):
        settings = {**SEQUENCES, **wide}
        cases += [
            {
                "name": f"sequences {n}",
                "settings": settings,
                "replicas": n,
                "epochs": 2,
                "sequences": True,
            }
        ]
    for n in (1, 2):
        cases += [
            {
                "name": f"table {n}",
                "settings": {**TABLE, **wide},
                "replicas": n,
                "epochs": 2,
                "regression": True,
            }
        ]
    for n in (1, 2):
        cases += [
            {
                "name": f"game {n}",
                "settings": {**GAME, **wide},
                "replicas": n,
                "epochs": 2,
                "regression": True,
            }
        ]
    for n in (1, 2):
        cases += [
            {
                "name": f"bandit {n}",
                "settings": {**BANDIT, **wide},
                "replicas": n,
                "epochs": 2,
                "world": "gaussian_bandit",
            }
        ]
    for n in (1, 3):
        cases += [
            {
                "name": f"weighted {n}",
                "settings": {**WEIGHTED, **wide},
                "replicas": n,
                "epochs": 2,
                "dispatch": 2,
                "weighted": True,
            }
        ]
    for stain in (0, 200):
        cases += [{"name": f"stain {stain}", "settings": PADDED, "replicas": 8, "stain": stain}]
    cases += [{"name": "stain 1", "settings": PADDED, "replicas": 1, "stain": 200}]
    cases += [
        {
            "name": "again",
            "settings": {**PADDED, **wide},
            "replicas": 8,
            "epochs": 13,
            "dispatch": 4,
        }
    ]
    cases += [TOGETHER]
    out = tmp_path_factory.mktemp("spread") / "results.json"
    return finished(spread(out, cases, 8), out)


def assert_same_curve(got: Result, expected: Result, tolerance: float) -> None:
    """Losses by step, the epochs' rows and the variables; all devices alike.

    In float64 the order of a sum over devices shows at 1e-16. 1e-9 leaves 52 steps room to amplify
    it, and anything but rounding shows above it.
    """
    np.testing.assert_allclose(got["losses"], expected["losses"], rtol=tolerance)
    for row, other in zip(got["rows"], expected["rows"], strict=True):
        assert row.keys() == other.keys()
        for name in row.keys() - {"checksum"}:
            (value,) = {json.dumps(v) for v in row[name]}
            np.testing.assert_allclose(
                json.loads(value), other[name][0], rtol=tolerance, atol=tolerance, err_msg=name
            )
        assert len({tuple(digest) for digest in row["checksum"]}) == 1
    for leaf, other_leaf in zip(got["variables"], expected["variables"], strict=True):
        for of_device in leaf:
            np.testing.assert_allclose(of_device, other_leaf[0], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("case", "devices"), [("padded", 2), ("padded", 4), ("padded", 8), ("dropped", 3)]
)
def test_any_number_of_devices_gives_the_same_curve(
    results: dict[str, Result], case: str, devices: int
) -> None:
    """52 steps in float64, with a batch that the devices do not divide."""
    assert len(results[f"{case} 1"]["rows"]) == 13  # of 4 steps each
    assert_same_curve(results[f"{case} {devices}"], results[f"{case} 1"], 1e-9)


def test_float32_agrees_over_five_steps(results: dict[str, Result]) -> None:
    """On 8 devices, where the sums are cut most; on fewer float64 shows what is not rounding."""
    np.testing.assert_allclose(
        results["float32 8"]["losses"], results["float32 1"]["losses"], rtol=1e-5
    )


def test_members_that_need_the_whole_batch(results: dict[str, Result]) -> None:
    """SAM's two gradients, cutmix, noise of every kind, and batch norm in parts, which are the same
    on all devices."""
    assert_same_curve(results["others 4"], results["others 1"], 1e-9)


def test_regressions(results: dict[str, Result]) -> None:
    assert_same_curve(results["table 2"], results["table 1"], 1e-9)


def test_weights(results: dict[str, Result]) -> None:
    """Sums of weights are those of the whole batch, on all devices."""
    assert_same_curve(results["weighted 3"], results["weighted 1"], 1e-9)


def test_players(results: dict[str, Result]) -> None:
    """The devices' shares of a loss that depends on the examples and on the parameters alone."""
    assert_same_curve(results["game 2"], results["game 1"], 1e-9)


def test_environments(results: dict[str, Result]) -> None:
    """Every device steps all 7 environments, and takes its share of the 21 examples."""
    assert_same_curve(results["bandit 2"], results["bandit 1"], 1e-9)


def test_sequences_of_unequal_lengths(results: dict[str, Result]) -> None:
    """Targets weigh alike on however many devices, and padding is in no statistic, penalty or
    metric."""
    assert_same_curve(results["sequences 4"], results["sequences 1"], 1e-9)


def test_padding_is_never_seen(results: dict[str, Result]) -> None:
    """Whatever lies in the padding rows, of the devices and of the last batch, not one bit
    changes."""
    assert results["stain 0"] == results["stain 200"] == results["float32 8"]
    assert results["stain 1"] == results["float32 1"]


def test_it_repeats_bitwise(results: dict[str, Result]) -> None:
    assert results["again"] == results["padded 8"]


def test_two_processes_are_one(results: dict[str, Result], tmp_path: Path) -> None:
    """2 processes of 2 devices by jax.distributed against one process."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    outs = [tmp_path / f"{place}.json" for place in range(2)]
    environments = [
        {"SPREAD_COORDINATOR": address, "SPREAD_PROCESS": str(place)} for place in range(2)
    ]
    processes = [
        spread(out, [TOGETHER], 2, environment=own)
        for out, own in zip(outs, environments, strict=True)
    ]
    both = [
        finished(process, out)["together"] for process, out in zip(processes, outs, strict=True)
    ]
    assert both[0] == both[1]
    assert_same_curve(both[0], results["together"], 1e-12)
