"""Several targets of an example, by the guide's own example: a class and a number that one loss
reads."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

import research.catalogue  # noqa: F401  (fills the registries)
from research import identity, plugin
from research.data.data_table import Table
from research.data.features.label import Label
from research.data.features.named_arrays import take
from research.data.features.named_targets import NamedTargets
from research.data.features.number import Number
from research.data.features.stored import from_json, to_json
from research.data.features.target import TargetFeature
from research.data.features.time_series import TimeSeries
from research.data.in_memory import InMemorySource
from research.data.spec import Arrays, DataSpec
from research.errors import UserError
from research.plugin.file import REGISTRIES
from research.registry import DATASETS
from research.sweeps.execute.ensure_records import refuse_without_scores
from research.tasks.problem import Problem
from research.testing import conformance, few_steps
from research.testing.subjects import Subject, dataset
from research.training.devices.device_memory import required_bytes
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from research.training.engine.chunk import PackSetup, StreamingPolicy
from research.training.step import objective

GUIDE = Path(__file__).parents[2] / "docs/guides/plugins.md"
PARTS = (("kind", Label(names=("flat", "house", "villa"))), ("price", Number()))
TARGETS = NamedTargets(members=PARTS)
X = np.arange(8, dtype=np.float32).reshape(4, 2)
Y = {"kind": np.array([0, 1, 2, 1]), "price": np.array([1.0, 3.0, 50.0, 50.0])}


@pytest.fixture(autouse=True)
def homes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Subject]:
    """The guide's data set; what it adds to the catalogue goes with the test."""
    for registry in REGISTRIES:
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    file = tmp_path / "my_homes.py"
    (code,) = re.findall(r'title="my_homes.py"\n(.*?)^```', GUIDE.read_text(), re.M | re.S)
    file.write_text(code)
    plugin.load(str(file))
    yield dataset(DATASETS.get("homes"))
    identity._versions.cache_clear()


def test_each_target_is_fitted_by_its_kind() -> None:
    """Rows 0 and 1 train: prices of 1 and 3 have the mean 2 and the deviation 1."""
    shift, scale = TARGETS.fit_target(Y, np.array([0, 1]), "standard")
    assert (shift, scale) == ({"kind": 0, "price": 2}, {"kind": 1, "price": 1})
    assert from_json(to_json(TARGETS)) == TARGETS
    assert TARGETS.describe() == "kind (classes) and price (numbers)"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": Y["kind"]}, "y is a ndarray; expected the arrays kind, price by name"),
        ({"y": {"kind": Y["kind"]}}, r"y is \['kind'\]; expected the arrays kind, price by name"),
        ({"y": {**Y, "price": Y["price"][:3]}}, r"y\['price'\] has 3 rows, and its y 4"),
        ({"y": {**Y, "price": X}}, r"y\['price'\] is \[4, 2\]; expected \[N\]"),
        ({"y": {**Y, "kind": Y["kind"] + 1}}, r"y\['kind'\] has a 3; expected 0 to 2"),
        ({"y": {**Y, "price": np.array([1, 2, np.nan, 4])}}, r"y\['price'\] has no value in row 2"),
        ({"task": ""}, r"targets are kind \(classes\) and price \(numbers\); say the task"),
    ],
)
def test_targets_that_do_not_fit_their_features(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^a table's {message}"):
        Table(**{"x": X, "y": Y, "targets": TARGETS, "task": "t", **changes})


def test_a_loss_reads_every_target(homes: Subject) -> None:
    """Against numpy: the cross-entropy of the kind and the squared error of the scaled price."""
    run = homes.run(target_scaling="standard")
    lane = few_steps.initial(run, homes.data.data)[0]
    y = take(homes.data.data.y, np.arange(5))
    outputs = np.linspace(-2, 2, 20, dtype=np.float32).reshape(5, 4)
    losses = objective.losses(
        run.program, jnp.asarray(outputs), objective.loss_targets(run.program, lane, y)
    )
    logits = outputs[:, :3] - np.log(np.exp(outputs[:, :3]).sum(axis=1, keepdims=True))
    train = homes.data.data.y["price"][lane.train]
    price = (y["price"] - train.mean()) / train.std()
    expected = -logits[np.arange(5), y["kind"]] + (outputs[:, 3] - price) ** 2
    np.testing.assert_allclose(losses, expected, rtol=1e-4)


@pytest.mark.parametrize("check", list(conformance.CHECKS))
def test_the_battery(homes: Subject, check: str) -> None:
    conformance.CHECKS[check](homes)


def test_streamed_rows_train_with_the_same_bits(homes: Subject) -> None:
    run = homes.run()
    data, strategy = homes.data.data, ExecutionStrategy(1, 2)
    setups = (PackSetup(), PackSetup(memory=StreamingPolicy(device=0)))
    resident, streamed = (
        loop.train(run.program, [run.config], data, strategy, setup) for setup in setups
    )
    assert repr(resident) == repr(streamed)
    assert required_bytes(run.program, run.config, data, width=1, steps=2) > 0


def test_what_is_for_a_single_target_is_refused(homes: Subject) -> None:
    with pytest.raises(UserError, match=r"^mixup changes one target, and those of homes are kind"):
        homes.run(regularization="mixup=0.2")
    with pytest.raises(UserError, match=r"^--keep_predictions keeps the scores of one target"):
        refuse_without_scores([homes.run()])


@dataclasses.dataclass(frozen=True)
class Transcript(TargetFeature):
    """At most `most` symbols without places of their own: one feature of two arrays."""

    kind = "transcript"
    counted = "transcripts"

    most: int = 2
    symbols: int = 3

    @property
    def arrays(self) -> tuple[str, ...]:
        return "tokens", "count"

    @property
    def width(self) -> int:
        """The symbols, and the blank before them."""
        return self.symbols + 1

    def placeholder(self) -> Any:
        return {
            "tokens": jax.ShapeDtypeStruct((self.most,), jnp.int32),
            "count": jax.ShapeDtypeStruct((), jnp.int32),
        }


def ctc(outputs: Any, targets: Any) -> Any:
    """Connectionist temporal classification: tokens beyond the count are padding."""
    steps = jnp.zeros(outputs.shape[:2])
    beyond = jnp.arange(targets["tokens"].shape[1]) >= targets["count"][:, None]
    return optax.ctc_loss(outputs, steps, targets["tokens"], beyond.astype(float))


def test_one_target_of_several_arrays() -> None:
    """Series of five steps and their transcripts, whose loss is CTC, against PyTorch's."""
    draw = np.random.default_rng(0)
    y = {
        "tokens": draw.integers(1, 4, (40, 2)).astype(np.int32),
        "count": draw.integers(1, 3, 40).astype(np.int32),
    }
    x = draw.normal(size=(40, 5, 2)).astype(np.float32)

    @plugin.task(loss="ctc")
    def transcription() -> Problem:
        """Symbols in their order."""
        return Problem(
            encode=lambda y, width, shift, scale: y,
            decode=lambda scores, shift, scale: scores,
            example_metrics=lambda scores, y: {"blanks": (scores.argmax(-1) == 0).mean(axis=1)},
            summary=None,
            better={"blanks": "lower"},
        )

    plugin.loss(tasks=("transcription",))(ctc)
    targets = Transcript((5,), even=True)
    spec = DataSpec("spoken", "transcription", TimeSeries((5, 2)), targets, 40, 0, "f")
    data = InMemorySource(spec, Arrays(x, y, np.zeros(0, np.int32)))
    run = Subject({"arch": "gru", "arch.hidden": 4}, data).run()
    (outcome,) = loop.train(run.program, [run.config], data.data, ExecutionStrategy(1, 1))
    assert np.isfinite(outcome.curves["train/loss"]).all()

    logits = draw.normal(size=(40, 5, 4)).astype(np.float32)
    expected = torch.nn.functional.ctc_loss(
        torch.tensor(logits).log_softmax(-1).transpose(0, 1),
        torch.tensor(y["tokens"]),
        torch.full((40,), 5),
        torch.tensor(y["count"]),
        reduction="none",
    )
    # Two equal symbols need a blank between them, which five steps have room for.
    np.testing.assert_allclose(
        objective.losses(run.program, jnp.asarray(logits), y), expected, rtol=1e-5
    )
