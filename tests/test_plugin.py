"""A file of the user's own: its network is trained, listed, tabled and checked like any other; what breaks is said."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NETWORK = '''
from typing import Annotated

import flax.linen as nn
import jax

from research.models.layers.sites import Site
from research.plugin import architecture


@architecture(tiny={"width": 4})
class MyNet(nn.Module):
    """One hidden layer of sines."""

    outputs: int
    width: Annotated[int, "hidden units"] = 64

    @nn.compact
    def __call__(self, x, fwd):
        h = jax.numpy.sin(nn.Dense(self.width)(x.reshape(x.shape[0], -1)))
        return nn.Dense(self.outputs)(Site("hidden")(h, fwd))
'''
OPTIMIZER = '''
import jax
import optax

from research.plugin import optimizer


@optimizer()
def signs(share: float = 0.5) -> optax.GradientTransformation:
    """The gradient, mixed with its sign."""
    return optax.stateless(
        lambda updates, params: jax.tree.map(lambda g: (1 - share) * g + share * jax.numpy.sign(g), updates)
    )
'''
DATASET = """
import numpy as np

from research.data.table import Table
from research.plugin import dataset


@dataset(tiny={"size": 60})
def rings(size: int = 600, seed: int = 0) -> Table:
    \"\"\"Two rings, one in the other.\"\"\"
    draw, y = np.random.default_rng(seed), np.arange(size, dtype=np.int32) % 2
    angle = draw.uniform(0, 2 * np.pi, size)
    x = (1 + y[:, None]) * np.stack([np.cos(angle), np.sin(angle)], 1)
    return Table(x.astype(np.float32), y, ("inner", "outer"), ("x", "y"))
"""
TASK = """
import jax
import numpy as np

from research.plugin import task
from research.tasks import regression
from research.tasks.problem import Problem


@task(loss="squared", sees=lambda spec: spec)
def relative() -> Problem:
    \"\"\"A number, of which the relative error counts.\"\"\"
    def error(scores, y):
        return {"relative": jax.numpy.abs(scores[:, 0] - y) / (1 + jax.numpy.abs(y))}

    def summary(scores, y):
        return {"relative": float(np.mean(np.abs(scores[:, 0] - y) / (1 + np.abs(y))))}

    return Problem(regression.encode, regression.decode, error, summary, {"relative": "lower"})
"""


def launched(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", f"launch.{name}", f"--cache_dir={ROOT / '.cache' / 'tests'}", *arguments]
    return subprocess.run(line, capture_output=True, text=True, cwd=ROOT, timeout=600)


def test_a_network_of_her_own(tmp_path: Path) -> None:
    file = tmp_path / "my_net.py"
    file.write_text(NETWORK)
    common = [f"--plugin={file}", f"--records={tmp_path / 'records'}"]
    listed = launched("list", "architectures", *common)
    assert "my_net" in listed.stdout
    assert "One hidden layer of sines" in listed.stdout
    sweep = ["--arch=my_net", "--grid=arch.width=8|16", "--epochs=2", "--seeds=2", "--dataset=iris"]
    table = launched("sweep", *sweep, *common)
    assert table.returncode == 0, table.stderr
    assert re.search(r"^\| +16 +\|", table.stdout, re.M), table.stdout
    records = {path.stem for path in (tmp_path / "records" / "runs").glob("*/*.json")}
    assert len(records) == 4
    again = launched("sweep", *sweep, *common)
    assert {path.stem for path in (tmp_path / "records" / "runs").glob("*/*.json")} == records, again.stderr
    file.write_text(NETWORK.replace("sin(", "tanh("))  # another network under the same name
    launched("sweep", *sweep, *common)
    assert len({path.stem for path in (tmp_path / "records" / "runs").glob("*/*.json")}) == 8


def test_data_and_a_task_of_her_own(tmp_path: Path) -> None:
    """A changed file is another data set, even under its old name."""
    data, task = tmp_path / "rings.py", tmp_path / "relative.py"
    task.write_text(TASK)
    common = [f"--plugin={data}", f"--plugin={task}", f"--records={tmp_path / 'records'}", "--epochs=3"]
    for code in (DATASET, DATASET.replace("1 + y", "2 + y")):
        data.write_text(code)
        ran = launched("train", "--dataset=rings", "--dataset.size=200", "--arch.hidden=8", *common)
        assert ran.returncode == 0, ran.stderr
        assert "test       accuracy" in ran.stdout
    assert len(list((tmp_path / "records" / "runs").glob("*/*.json"))) == 2
    ran = launched(
        "train", "--dataset=diabetes", "--task=relative", "--target_scaling=standard", "--arch=linear", *common
    )
    assert ran.returncode == 0, ran.stderr
    assert "test       relative" in ran.stdout


@pytest.mark.parametrize(
    "code", [NETWORK, OPTIMIZER, DATASET, TASK], ids=["a network", "an optimizer", "a data set", "a task"]
)
def test_the_battery_passes(code: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(code)
    run = launched("check", f"--plugin={tmp_path / 'own.py'}")
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("  passed  ") == 6


def test_an_error_in_a_network_is_said_with_its_line(tmp_path: Path) -> None:
    """In training and in a check, whose other parts go on."""
    file = tmp_path / "own.py"
    file.write_text(NETWORK.replace("jax.numpy.sin(", "jax.numpy.sinn("))
    run = launched("train", f"--plugin={file}", "--arch=my_net", "--dataset=iris", f"--records={tmp_path / 'records'}")
    line = 1 + NETWORK.splitlines().index(next(text for text in NETWORK.splitlines() if "numpy.sin" in text))
    assert run.returncode == 2
    assert run.stderr.startswith(f"error: --plugin={file}, line {line}: AttributeError: ")
    assert run.stderr.count("\n") == 1
    file.write_text(NETWORK.replace("self.outputs)(", "self.outputs + 1)("))
    run = launched("check", f"--plugin={file}")
    assert run.returncode == 1
    assert run.stdout.count("  failed  ") + run.stdout.count("  passed  ") == 6


def test_a_check_that_fails_ends_with_an_error(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(NETWORK.replace("self.outputs)(", "self.outputs + 1)("))
    run = launched("check", f"--plugin={tmp_path / 'own.py'}")
    assert run.returncode == 1
    assert "failed  shapes: outputs have the shape" in run.stdout


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (None, "there is no such file"),
        ("x = 1\n", "adds nothing to the catalogue"),
        ("def f(:\n", "own.py, line 1: SyntaxError: invalid syntax"),
        ("import does_not_exist\n", "own.py, line 1: ModuleNotFoundError: No module named 'does_not_exist'"),
        (NETWORK.replace("MyNet", "Mlp"), "the architecture 'mlp' is registered twice"),
    ],
    ids=["missing", "empty", "syntax", "import", "taken"],
)
def test_what_is_wrong_is_said(code: str | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    if code is not None:
        file.write_text(code)
    run = launched("list", "architectures", f"--plugin={file}")
    assert run.returncode == 2
    assert message in run.stderr
    assert run.stderr.count("\n") == 1
