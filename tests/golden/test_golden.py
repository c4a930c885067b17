"""The golden file: 40 small runs keep their ids and their parameters, bit for bit, while the code
is rearranged.

An id may change only where an entry's version is raised, or the data are read as others; bits only
where the mathematics changes for a reason that the commit states. `GOLDEN=write pytest
tests/golden` writes the file anew. Other processors round in other ways: there the losses are
compared, to 1e-4.
"""

import json
import os
import platform
from pathlib import Path
from typing import Any

import jax
import pytest

import research.catalogue  # noqa: F401  (fills the registries)
from research.config import RunConfig
from research.data.source import open_source
from research.data.spec import Source
from research.sweeps.plan.run_planner import Planner
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk, loop
from research.training.step.initial_state import COMPILER_OPTIONS, initial_state
from tests.golden.configs import CONFIGS, TWICE, write_files

FILE = Path(__file__).with_name("golden.json")
WRITES = os.environ.get("GOLDEN") == "write"
GOLDEN: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {"runs": {}}


INITIAL_STATE = jax.jit(
    initial_state, static_argnames=("program",), compiler_options=COMPILER_OPTIONS
)


@pytest.fixture(autouse=True)
def _initial_states_as_users_compile_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests compile them with fewer optimisations, which round in other ways."""
    monkeypatch.setattr(chunk, "compiled_initial_state", INITIAL_STATE)


def processor() -> str:
    """What decides how sums are rounded: the instruction set that XLA compiles for, by the
    processor's name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    folder = tmp_path_factory.mktemp("golden")
    write_files(folder)

    def opened(config: RunConfig) -> Source:
        name = config.dataset.name.replace("text:", f"text:{folder}/").replace(
            "csv:", f"csv:{folder}/"
        )
        options = dict(config.dataset.options)
        return open_source(
            name, options, data_dir=None, cache_dir=str(folder / "cache"), task=config.task
        )

    return Planner(opened)


def trained(planner: Planner, name: str, width: int) -> dict[str, Any]:
    """What is kept of a run: its id, the digest of its last parameters, its last training loss."""
    settings = {path: value for path, value in CONFIGS[name].items() if value is not None}
    (run,) = planner.runs([settings])
    (outcome,) = loop.train(
        run.program, [run.config], planner.arrays(run), ExecutionStrategy(width, 4)
    )
    return {
        "id": run.id,
        "checksum": outcome.checksums[-1],
        "loss": outcome.curves["train/loss"][-1],
    }


@pytest.mark.parametrize(
    ("name", "width"), [*((name, 1) for name in CONFIGS), *((name, 2) for name in TWICE)]
)
def test_a_run_is_what_it_was(name: str, width: int, planner: Planner) -> None:
    """Ids are equal everywhere, bits on the processor that wrote the file; elsewhere 1e-4 is what
    other orders of summation make of a loss in float32."""
    now = trained(planner, name, width)
    key = name if width == 1 else f"{name}, {width} lanes"
    if WRITES:
        GOLDEN["runs"][key] = now
        GOLDEN["processor"] = processor()
        FILE.write_text(json.dumps(GOLDEN, indent=1) + "\n")
    then = GOLDEN["runs"][key]
    assert now["id"] == then["id"]
    if processor() == GOLDEN["processor"]:
        assert now["checksum"] == then["checksum"]
    assert now["loss"] == pytest.approx(then["loss"], rel=1e-4)


def test_the_file_has_no_more_than_the_configs() -> None:
    assert set(GOLDEN["runs"]) == {*CONFIGS, *(f"{name}, 2 lanes" for name in TWICE)}
