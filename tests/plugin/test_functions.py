"""Losses, metrics, schedules and callbacks of a user's own: what they become, and what is wrong
with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import f1_score

import research.catalogue  # noqa: F401
from research import identity, plugin
from research.errors import UserError
from research.plugin.file import REGISTRIES, place_of
from research.registry import CALLBACKS, LOSSES, METRICS, SCHEDULES, TASKS
from research.sweeps.column import check_metric
from research.tasks.metrics import measuring
from research.testing import conformance
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from research.training.setup.lane_inputs import lr_factors_of
from tests.support.engine import data_of, run

LOSS = '''
import jax.numpy as jnp

from research.plugin import loss


@loss(tasks=("regression",))
def log_cosh(outputs, targets):
    """Log of the hyperbolic cosine."""
    return jnp.log(jnp.cosh(outputs - targets)).sum(axis=-1)
'''
ONE = '''
import jax
import jax.numpy as jnp

from research.plugin import loss


@loss(tasks="classification", outputs=1, scores=lambda z, width: jnp.concatenate([-z, z], -1), linear=True)
def one_score(outputs, targets):
    """Half a margin for two classes."""
    return jax.nn.softplus(-2 * outputs[..., 0] * (2 * targets[..., 1] - 1))
'''
METRIC = '''
import jax.numpy as jnp

from research.plugin import metric


@metric(tasks=("classification",), higher_is_better=True)
def in_two(scores, y):
    """The class is among the two of the largest scores."""
    return (jnp.argsort(scores, axis=-1)[:, -2:] == y[:, None]).any(axis=-1)
'''
WHOLE = '''
from sklearn.metrics import f1_score

from research.plugin import metric


@metric(tasks=("classification",), higher_is_better=True, whole=True)
def macro_f1(scores, y):
    """F1, averaged over classes."""
    return f1_score(y, scores.argmax(axis=1), average="macro")
'''
SCHEDULE = '''
from typing import Annotated

import numpy as np

from research.plugin import schedule


@schedule
def sawtooth(steps, steps_per_epoch, low: Annotated[float, "what an epoch ends at"] = 0.5):
    """Falls within each epoch."""
    return 1 - (1 - low) * (np.arange(steps) % steps_per_epoch) / steps_per_epoch
'''
CALLBACK = '''
from research.plugin import callback

CALLS = []


@callback
def noted(run_id, epoch, metrics):
    """Keeps what it is called with."""
    CALLS.append((run_id, epoch, metrics))
'''


@pytest.fixture(autouse=True)
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test adds to the catalogue goes with it."""
    for registry in REGISTRIES:
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    yield
    identity._versions.cache_clear()


def load(folder: Path, code: str) -> list[Any]:
    (folder / "own.py").write_text(code)
    return plugin.load(str(folder / "own.py"))


def train(*runs: Any) -> list[loop.Outcome]:
    arrays = data_of(runs[0]).data
    return loop.train(
        runs[0].program, [own.config for own in runs], arrays, ExecutionStrategy(len(runs), 1)
    )


def test_a_loss_is_trained_with_and_told_apart_by_its_file(tmp_path: Path) -> None:
    """The loss by its formula, within float32 rounding."""
    ((registry, entry),) = load(tmp_path, LOSS)
    assert (registry, entry.name, entry.tasks) == (LOSSES, "log_cosh", ("regression",))
    assert entry.build()(jnp.array([[2.0]]), jnp.array([[0.0]])) == pytest.approx(
        np.log(np.cosh(2.0))
    )
    own = run(regression=True, loss="log_cosh", epochs=1)
    (outcome,) = train(own)
    assert np.isfinite(outcome.curves["train/loss"]).all()
    assert dict(identity.versions(own.config))["loss:log_cosh"] == entry.version
    LOSSES._entries.pop("log_cosh")
    ((_, changed),) = load(tmp_path, LOSS.replace("jnp.cosh", "1e-9 + jnp.cosh"))
    assert changed.version != entry.version


def test_a_loss_with_an_output_width_of_its_own(tmp_path: Path) -> None:
    """The logistic loss of one score by its formula, within float32 rounding."""
    load(tmp_path, ONE)
    entry = LOSSES.get("one_score")
    assert entry.outputs(2) == 1
    assert entry.scores(jnp.array([[3.0]]), 2).tolist() == [[-3.0, 3.0]]
    # -log σ(z₁ - z₀) of the second class, whose scores are (-z, z)
    outputs, targets = jnp.array([[0.7], [0.7]]), jnp.array([[0.0, 1.0], [1.0, 0.0]])
    expected = [np.log1p(np.exp(-1.4)), np.log1p(np.exp(1.4))]
    np.testing.assert_allclose(entry.build()(outputs, targets), expected, rtol=1e-6)


def test_metrics_stand_beside_the_tasks_own_in_curves_and_at_the_end(tmp_path: Path) -> None:
    """The last point of a curve is the final metric, within float32 rounding."""
    load(tmp_path, METRIC + WHOLE.replace("from research.plugin import metric", ""))
    plain, own = run(epochs=2), run(epochs=2, metrics="macro_f1,in_two")
    assert own.config.metrics == ("in_two", "macro_f1")
    assert run(epochs=2, metrics="in_two,macro_f1").id == own.id != plain.id
    (expected,), (outcome,) = train(plain), train(own)
    added = {"in_two", "macro_f1"}
    assert {
        name.rpartition("/")[2] for name in set(outcome.metrics) - set(expected.metrics)
    } == added
    assert set(outcome.curves) - set(expected.curves) == {"train/in_two", "validation/in_two"}
    # Measuring changes no bit of the training, nor what is measured anyway.
    assert outcome.checksums == expected.checksums
    assert {name: outcome.metrics[name] for name in expected.metrics} == expected.metrics
    assert outcome.metrics["validation/in_two"] == pytest.approx(
        outcome.curves["validation/in_two"][-1]
    )
    check_metric("test/macro_f1", "higher")
    with pytest.raises(UserError, match="of in_two higher is better"):
        check_metric("validation/in_two", "lower")


def test_metrics_of_a_split_by_hand(tmp_path: Path) -> None:
    """Shares of three rows by hand and F1 by scikit-learn, within float64 rounding."""
    load(tmp_path, METRIC + WHOLE.replace("from research.plugin import metric", ""))
    scores = np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [0.0, 1.0, 5.0]], np.float32)
    y = np.array([1, 2, 2])
    problem = measuring(
        TASKS.get("classification").build(), [METRICS.get("in_two"), METRICS.get("macro_f1")]
    )
    assert problem.summary is not None
    found = problem.summary(scores, y)
    assert found["in_two"] == pytest.approx(2 / 3)
    assert found["macro_f1"] == pytest.approx(f1_score(y, [0, 0, 2], average="macro"))
    assert found["accuracy"] == pytest.approx(1 / 3)
    assert problem.better["in_two"] == "higher"
    assert next(iter(problem.better)) == "accuracy"


def test_a_metric_is_refused_where_it_cannot_measure(tmp_path: Path) -> None:
    load(tmp_path, METRIC)
    with pytest.raises(
        UserError, match="metrics=in_two is for classification; the task is regression"
    ):
        run(regression=True, metrics="in_two")
    with pytest.raises(UserError, match="unknown metric 'in_too'; did you mean in_two"):
        run(metrics="in_too")


def test_a_schedule_has_flags_and_its_factors_are_the_runs(tmp_path: Path) -> None:
    """Factors by the plugin's formula, within float32 rounding."""
    load(tmp_path, SCHEDULE)
    assert [option.name for option in SCHEDULES.get("sawtooth").options] == ["low"]
    own = run(schedule="sawtooth", schedule__low=0.25)
    factors = lr_factors_of(own.config, own.program)
    per_epoch = own.program.sizes.steps_per_epoch
    np.testing.assert_allclose(
        factors[:per_epoch], 1 - 0.75 * np.arange(per_epoch) / per_epoch, rtol=1e-6
    )
    assert factors[per_epoch] == 1


def test_a_callback_is_in_the_catalogue(tmp_path: Path) -> None:
    ((registry, entry),) = load(tmp_path, CALLBACK)
    assert registry is CALLBACKS
    conformance.trials("callback", entry)["takes an epoch's end"]()
    ((run_id, epoch, metrics),) = entry.build().__globals__["CALLS"]
    assert (run_id, epoch) == ("0" * 16, 1)
    assert set(metrics) == {
        f"{split}/{name}"
        for split in ("train", "validation")
        for name in ("loss", "accuracy", "nll")
    }


@pytest.mark.parametrize(
    "code", [LOSS, ONE, METRIC, SCHEDULE], ids=["loss", "one output", "metric", "schedule"]
)
def test_the_battery_takes_them(code: str, tmp_path: Path) -> None:
    """There is made-up data for each, in a network that fits; the cheapest of the checks says
    so."""
    ((registry, entry),) = load(tmp_path, code)
    conformance.trials(registry.kind, entry)["shapes"]()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (LOSS.replace('(tasks=("regression",))', ""), "@loss lacks its tasks; write @loss(tasks="),
        (
            LOSS.replace('"regression"', '"regresion"'),
            "unknown task 'regresion'; did you mean regression",
        ),
        (LOSS.replace("outputs, targets)", "outputs)", 1), "write def log_cosh(outputs, targets)"),
        (
            ONE.replace("scores=lambda z, width: jnp.concatenate([-z, z], -1), ", ""),
            "@loss(outputs=...) lacks scores",
        ),
        (
            METRIC.replace(", higher_is_better=True", ""),
            "@metric lacks its tasks, or higher_is_better; write @metric",
        ),
        (METRIC.replace("in_two(", "nll("), "classification has a metric 'nll' already"),
        (
            SCHEDULE.replace("steps_per_epoch, low", "low"),
            "sawtooth lacks steps_per_epoch; write def sawtooth(steps",
        ),
        (
            CALLBACK.replace("run_id, epoch, metrics):", "epoch, metrics):"),
            "write def noted(run_id, epoch, metrics)",
        ),
        (CALLBACK.replace('"""Keeps what it is called with."""', ""), "noted lacks a docstring"),
    ],
    ids=[
        "bare loss",
        "task",
        "arguments",
        "scores",
        "better",
        "taken",
        "schedule",
        "callback",
        "docstring",
    ],
)
def test_what_is_wrong_is_said_with_its_line(code: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        load(tmp_path, code)
    assert message in str(error.value)
    assert str(error.value).startswith(f"--plugin={tmp_path / 'own.py'}, line ")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            LOSS.replace(".sum(axis=-1)", ".mean()"),
            "returns float32 [] of outputs [2, 3]; expected a loss each, [2]",
        ),
        (
            METRIC.replace(".any(axis=-1)", ""),
            "in_two returns bool [2, 2]; expected a number per example, [2]",
        ),
        (WHOLE.replace('"macro"', "None"), "macro_f1 returns float64 [3]; expected one number"),
    ],
    ids=["loss", "metric", "whole"],
)
def test_what_returns_something_else_is_named(code: str, message: str, tmp_path: Path) -> None:
    ((_, entry),) = load(tmp_path, code)
    scores = jnp.eye(3)[:2]
    with pytest.raises(UserError) as error:
        entry.build()(
            *((scores, scores) if "loss" in code else (np.asarray(scores), np.array([0, 2])))
        )
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "np.ones(steps_per_epoch)",
            "sawtooth returns float64 [3]; expected the factors of 6 steps, [6]",
        ),
        ("np.full(steps, np.nan)", "sawtooth returns a factor that is not finite at step 0"),
        ("'high'", "sawtooth returns a str; expected the factors of 6 steps, [6]"),
    ],
    ids=["length", "nan", "word"],
)
def test_factors_are_one_finite_number_a_step(body: str, message: str, tmp_path: Path) -> None:
    head = SCHEDULE.partition("    return")[0]
    ((_, entry),) = load(tmp_path, f"{head}    return {body}\n")
    with pytest.raises(UserError) as error:
        entry.build(steps=6, steps_per_epoch=3)
    assert message in str(error.value)


def test_the_place_of_a_part_is_its_definition(tmp_path: Path) -> None:
    load(tmp_path, SCHEDULE)
    file = str(tmp_path / "own.py")
    line = 1 + SCHEDULE.splitlines().index(
        next(text for text in SCHEDULE.splitlines() if text.startswith("def "))
    )
    assert place_of(file, "sawtooth") == f"{file}, line {line}"
    assert place_of(file, "elsewhere") == file
