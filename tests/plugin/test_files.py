"""A file of the user's own: its network is trained, listed, tabled and checked like any other; what
breaks is said."""

import re
from pathlib import Path

import pytest

from tests.support.command_lines import ROOT, Result, run_all

NETWORK = '''
from typing import Annotated

import flax.linen as nn
import jax

from research.models.layers.sites import Site
from research.plugin import architecture


@architecture(test_options={"width": 4})
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
PENALTY = '''
from research.plugin import regularizer


@regularizer("loss", "kernels", neutral={"fourth": 0.0}, test_options={"fourth": 0.1})
def fourth(fourth: float = 0.1):
    """The sum of fourth powers."""
    return lambda w: fourth * (w**4).sum()
'''
BARE = "def amount(w):\n        assert not w.size\n    return amount"
DATASET = """
import numpy as np

from research.plugin import Table, dataset


@dataset(test_options={"size": 60})
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


def bare(code: str) -> str:
    """The plugin with its decorator written without parentheses."""
    return re.sub(r"(?m)^(@\w+)\(.*\)$", r"\1", code)


def launched(folder: Path, name: str, *arguments: str) -> Result:
    (result,) = run_all([[name, f"--cache_dir={ROOT / '.cache' / 'tests'}", *arguments]], folder)
    return result


def test_a_network_of_her_own(tmp_path: Path) -> None:
    file = tmp_path / "my_net.py"
    file.write_text(NETWORK)
    common = [f"--plugin={file}", f"--records={tmp_path / 'records'}"]
    listed = launched(tmp_path, "list", "architectures", *common)
    assert "my_net" in listed.out
    assert "One hidden layer of sines" in listed.out
    sweep = ["--arch=my_net", "--grid=arch.width=8|16", "--epochs=2", "--seeds=2", "--dataset=iris"]
    table = launched(tmp_path, "sweep", *sweep, *common)
    assert table.code == 0, table.err
    assert re.search(r"^\| +16 +\|", table.out, re.M), table.out
    records = {path.stem for path in (tmp_path / "records" / "runs").glob("*/*.json")}
    assert len(records) == 4
    lost = launched(
        tmp_path, "verify", f"--run={min(records)}", f"--records={tmp_path / 'records'}"
    )
    assert lost.code == 2
    assert (
        "needs its --plugin=FILE if a part of it is your own: unknown architecture 'my_net'"
        in lost.err
    )
    again = launched(tmp_path, "sweep", *sweep, *common)
    assert {path.stem for path in (tmp_path / "records" / "runs").glob("*/*.json")} == records, (
        again.err
    )
    file.write_text(NETWORK.replace("sin(", "tanh("))  # another network under the same name
    launched(tmp_path, "sweep", *sweep, *common)
    assert len({path.stem for path in (tmp_path / "records" / "runs").glob("*/*.json")}) == 8


def test_a_named_sweep_belongs_to_its_plugin(tmp_path: Path) -> None:
    """It does not go on without, nor silently with another content; what there was can be looked
    at."""
    file = tmp_path / "my_net.py"
    file.write_text(NETWORK)
    own, plugin = [f"--records={tmp_path / 'records'}", "--name=mine"], f"--plugin={file}"
    settings = ["--arch=my_net", "--arch.width=4", "--dataset=iris", "--epochs=1"]
    trained = launched(tmp_path, "sweep", *own, plugin, *settings)
    assert trained.code == 0, trained.err
    for name in ("sweep", "plan", "table"):
        lost = launched(tmp_path, name, *own)
        assert (lost.code, lost.err) == (
            2,
            f"error: 'mine' was started with --plugin={file}; give that too\n",
        )
    file.write_text(NETWORK.replace("sin(", "tanh("))
    refused = launched(tmp_path, "sweep", *own, plugin)
    assert refused.code == 2
    assert "'mine' was started with other code" in refused.err
    shown = launched(tmp_path, "table", *own, "--no_train", "--rows=runs", "--format=csv")
    assert shown.code == 0
    assert "research/ or a plugin has changed" in shown.err
    planned = launched(tmp_path, "plan", *own, plugin)
    assert "'mine' changes (by its code); runs: 1 new, 0 kept, 1 no longer wanted" in planned.out
    accepted = launched(tmp_path, "sweep", *own, plugin, "--accept_code")
    assert accepted.code == 0, accepted.err
    for record in (tmp_path / "records" / "runs").glob("*/*.json"):
        record.write_text("{")
    shown = launched(tmp_path, "table", *own, plugin, "--no_train", "--rows=runs", "--format=csv")
    assert "no run of 'mine' has a record yet" in shown.err


def test_data_and_a_task_of_her_own(tmp_path: Path) -> None:
    """A changed file is another data set, even under its old name."""
    data, task = tmp_path / "rings.py", tmp_path / "relative.py"
    task.write_text(TASK)
    common = [
        f"--plugin={data}",
        f"--plugin={task}",
        f"--records={tmp_path / 'records'}",
        "--epochs=3",
    ]
    for code in (DATASET, DATASET.replace("1 + y", "2 + y")):
        data.write_text(code)
        ran = launched(
            tmp_path, "train", "--dataset=rings", "--dataset.size=200", "--arch.hidden=8", *common
        )
        assert ran.code == 0, ran.err
        assert "test       accuracy" in ran.out
    assert len(list((tmp_path / "records" / "runs").glob("*/*.json"))) == 2
    ran = launched(
        tmp_path,
        "train",
        "--dataset=diabetes",
        "--task=relative",
        "--target_scaling=standard",
        "--arch=linear",
        *common,
    )
    assert ran.code == 0, ran.err
    assert "test       relative" in ran.out


@pytest.mark.parametrize(
    "code",
    [NETWORK, OPTIMIZER, PENALTY, DATASET, TASK],
    ids=["a network", "an optimizer", "a regularizer", "a data set", "a task"],
)
def test_the_battery_passes(code: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(code)
    run = launched(tmp_path, "check", f"--plugin={tmp_path / 'own.py'}")
    assert run.code == 0, run.out + run.err
    assert run.out.count("  passed  ") == 6


def test_an_error_in_a_network_is_said_with_its_line(tmp_path: Path) -> None:
    """In training and in a check, whose other parts go on."""
    file = tmp_path / "own.py"
    file.write_text(NETWORK.replace("jax.numpy.sin(", "jax.numpy.sinn("))
    run = launched(
        tmp_path,
        "train",
        f"--plugin={file}",
        "--arch=my_net",
        "--dataset=iris",
        f"--records={tmp_path / 'records'}",
    )
    line = 1 + NETWORK.splitlines().index(
        next(text for text in NETWORK.splitlines() if "numpy.sin" in text)
    )
    assert run.code == 2
    assert run.err.startswith(f"error: --plugin={file}, line {line}: AttributeError: ")
    assert run.err.count("\n") == 1


@pytest.mark.parametrize(
    ("code", "flag", "message"),
    [
        (
            PENALTY.replace("return lambda", "lambda"),
            "--regularization=fourth",
            "fourth returns a NoneType, not a",
        ),
        (
            OPTIMIZER.replace("(1 - share) * g", "g.sum()").replace("jax.numpy.sign(g)", "0"),
            "--optimizer=signs",
            "the optimizer of this update returns other shapes than those of the parameters",
        ),
        (
            OPTIMIZER.replace("return optax", "optax"),
            "--optimizer=signs",
            "signs returns a NoneType",
        ),
        (
            DATASET.replace("return Table", "Table"),
            "--dataset=rings",
            "rings returns a NoneType, not a Table",
        ),
        (
            DATASET.replace("return Table(x.astype(np.float32), y,", "return (x, y) or ("),
            "--dataset=rings",
            (
                "rings returns a tuple, not a Table; write return Table(x, y, classes, columns), of"
                " research.plugin"
            ),
        ),
        (
            TASK.replace("return Problem", "Problem"),
            "--task=relative",
            "relative returns a NoneType, not a Problem",
        ),
    ],
    ids=["regularizer", "other shapes", "optimizer", "data set", "a pair", "task"],
)
def test_what_returns_something_else_is_named(
    code: str, flag: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "own.py"
    file.write_text(code)
    own = [f"--plugin={file}", f"--records={tmp_path / 'records'}", "--cache_dir=cache"]
    (run,) = run_all([["train", flag, *own, *["--dataset=diabetes"] * ("task" in flag)]], tmp_path)
    assert run.code == 2
    assert message in run.err


def test_a_check_that_breaks_down_leaves_the_others(tmp_path: Path) -> None:
    """An assertion without words in one part's function; the network beside it is tried all the
    same."""
    broken = PENALTY.replace("return lambda w: fourth * (w**4).sum()", BARE)
    (tmp_path / "own.py").write_text(NETWORK + broken)
    run = launched(tmp_path, "check", f"--plugin={tmp_path / 'own.py'}")
    assert run.code == 1
    line = 1 + (NETWORK + broken).splitlines().index("        assert not w.size")
    assert (
        f"failed  gradients reach every parameter: {tmp_path / 'own.py'}, line {line}:"
        " AssertionError\n" in run.out
    )
    assert run.out.count("  passed  ") + run.out.count("  failed  ") == 12
    assert run.out.count("  passed  ") >= 6


def line_of(code: str, text: str) -> int:
    """The first line of the code that has this text, counted from 1."""
    return 1 + next(place for place, line in enumerate(code.splitlines()) if text in line)


@pytest.mark.parametrize(
    ("code", "at", "message"),
    [
        (
            NETWORK.replace("self.outputs)(", "self.outputs + 1)("),
            "class MyNet",
            "arch=my_net returns [1, 4] of one example; expected [B, 3]",
        ),
        (
            NETWORK.replace("h = jax", "h = nn.Dropout(0.5)(x)\n        h = jax"),
            "nn.Dropout",
            (
                "ValueError: flax's nn.Dropout has a rate and a key of its own; write"
                " Site('hidden')(h, fwd) in its place (research.models.layers.sites) and give"
                " --regularization=dropout=0.5"
            ),
        ),
        (
            NETWORK.replace(
                "h = jax", "h = nn.Dropout(0.5, deterministic=True)(x)\n        h = jax"
            ),
            "nn.Dropout",
            "ValueError: flax's nn.Dropout has a rate",
        ),
        (
            NETWORK.replace("jax.numpy.sin(", "jax.numpy.sinn("),
            "jax.numpy.sinn",
            "AttributeError: module",
        ),
    ],
    ids=["width", "dropout", "dropout that is off", "attribute"],
)
def test_a_check_says_an_error_once_with_its_line(
    code: str, at: str, message: str, tmp_path: Path
) -> None:
    """What fails for the same reason is `as above`; the program ends with an error."""
    (tmp_path / "own.py").write_text(code)
    run = launched(tmp_path, "check", f"--plugin={tmp_path / 'own.py'}")
    assert run.code == 1
    first, *others = [line for line in run.out.splitlines() if line.startswith("  failed  ")]
    assert first.startswith(
        f"  failed  shapes: {tmp_path / 'own.py'}, line {line_of(code, at)}: {message}"
    )
    assert {line.partition(": ")[2] for line in others} == {"as above"}
    assert run.out.count("  failed  ") == 6


def test_a_check_names_probabilities_where_logits_are_expected(tmp_path: Path) -> None:
    code = NETWORK.replace(
        "return nn.Dense(self.outputs)(Site", "return nn.softmax(nn.Dense(self.outputs)(Site"
    )
    (tmp_path / "own.py").write_text(code.replace("(h, fwd))", "(h, fwd)))"))
    run = launched(tmp_path, "check", f"--plugin={tmp_path / 'own.py'}")
    assert run.code == 1
    assert (
        "outputs sum to one, as softmax leaves them; loss=cross_entropy takes logits: return"
        " what the" in run.out
    )
    assert run.out.count("  failed  ") == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (None, "there is no such file"),
        ("x = 1\n", "adds nothing to the catalogue"),
        ("def f(:\n", "own.py, line 1: SyntaxError: invalid syntax"),
        (
            "import does_not_exist\n",
            "own.py, line 1: ModuleNotFoundError: No module named 'does_not_exist'",
        ),
        (NETWORK.replace("MyNet", "Mlp"), "the architecture 'mlp' is registered twice"),
        (NETWORK.replace("    outputs: int\n", ""), "MyNet lacks the field `outputs: int`"),
        (
            NETWORK.replace('"""One hidden layer of sines."""', ""),
            "MyNet lacks a docstring; its first sentence is what launch.list says of it",
        ),
        (
            OPTIMIZER.replace("= 0.5", "= 'half'"),
            "signs: the default share=half: expected a number",
        ),
        (
            NETWORK.replace('"width": 4', '"widht": 4'),
            "test_options has 'widht', which is not an option; did you mean width?",
        ),
        (PENALTY.replace('"loss"', '"los"'), "there is no slot 'los'; did you mean loss?"),
        (
            PENALTY.replace('"kernels"', '"kernel"'),
            "the slot loss has no site 'kernel'; did you mean kernels?",
        ),
        (
            bare(PENALTY),
            "@regularizer lacks its slot and site; write @regularizer('loss', 'kernels', neutral=",
        ),
        (bare(TASK), "@task lacks its default loss; write @task(loss="),
        (
            NETWORK.replace("(self, x, fwd)", "(self, x)"),
            (
                "MyNet.__call__(self, x) is called with x and fwd, by which layers know training"
                " from evaluation; write def __call__(self, x, fwd)"
            ),
        ),
        (
            NETWORK.replace("__call__", "forward"),
            "MyNet lacks its __call__, which turns inputs into outputs; write def",
        ),
        (
            NETWORK.replace("(nn.Module)", ""),
            "MyNet is not a flax module; write class MyNet(flax.linen.Module) with def",
        ),
        (
            bare(NETWORK).replace(" = 64", ""),
            (
                "'width' has no default, so tests need a value; write"
                " @architecture(test_options={'width':"
                " ...})"
            ),
        ),
    ],
    ids=[
        "missing",
        "empty",
        "syntax",
        "import",
        "taken",
        "outputs",
        "docstring",
        "default",
        "test options",
        "slot",
        "site",
        "bare regularizer",
        "bare task",
        "no fwd",
        "forward",
        "no module",
        "bare",
    ],
)
def test_what_is_wrong_is_said(code: str | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    if code is not None:
        file.write_text(code)
    run = launched(tmp_path, "list", "architectures", f"--plugin={file}")
    assert run.code == 2
    assert message in run.err
    assert run.err.count("\n") == 1
    if code not in (None, "x = 1\n"):
        assert re.match(rf"error: --plugin={re.escape(str(file))}, line \d+: ", run.err)


def test_a_decorator_needs_no_parentheses_where_all_options_have_defaults(tmp_path: Path) -> None:
    for name, code in (("network", NETWORK), ("optimizer", OPTIMIZER), ("dataset", DATASET)):
        (tmp_path / f"{name}.py").write_text(bare(code))
    plugins = [f"--plugin={tmp_path / name}.py" for name in ("network", "optimizer", "dataset")]
    chosen = [
        "--arch=my_net",
        "--optimizer=signs",
        "--dataset=rings",
        "--dataset.size=60",
        "--epochs=1",
    ]
    run = launched(tmp_path, "train", *plugins, *chosen, "--batch_size=8")
    assert run.code == 0, run.err
    assert "arch.width=64" in run.out


def test_a_table_of_her_own_is_read_for_a_task_and_its_gaps_are_filled(tmp_path: Path) -> None:
    file = tmp_path / "counts.py"
    table = 'Table(np.where(x > 1.5, np.nan, x), y, (), ("x", "y"))'
    head, _, _ = DATASET.replace("rings", "counts").partition("    return Table(")
    file.write_text(f"{head}    return {table}\n")
    given = [
        f"--plugin={file}",
        "--dataset=counts",
        "--dataset.size=60",
        "--epochs=1",
        "--arch=linear",
    ]
    gaps = launched(tmp_path, "train", *given)
    assert gaps.code == 2
    assert (
        "counts, row 1 (the first is 0), column 'y': the value is missing; set --impute=mean"
        in gaps.err
    )
    values = launched(tmp_path, "train", *given, "--impute=mean", "--batch_size=8")
    assert "mse" in values.out, values.err
    classes = launched(
        tmp_path, "train", *given, "--impute=mean", "--batch_size=8", "--task=classification"
    )
    assert "accuracy" in classes.out, classes.err
