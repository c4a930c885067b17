"""Journeys: the files that a run and its settings pass through, printed, and no more than today."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Lower a number when a journey gets shorter.
MOST = {"run": 138, "learning_rate": 9, "dropout": 16}


@pytest.fixture(scope="module")
def journeys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    folder = tmp_path_factory.mktemp("journeys")
    # -P: the folder of the script, tests/, is not on the path, where it would hide launch/.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    line = [sys.executable, "-P", str(ROOT / "tests" / "support" / "journey.py")]
    done = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "journeys.json").read_text())  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", MOST)
def test_a_journey_gets_no_longer(journeys: dict[str, list[str]], name: str) -> None:
    print(f"{name}: {len(journeys[name])} files", *journeys[name], sep="\n  ")
    assert 0 < len(journeys[name]) <= MOST[name]
