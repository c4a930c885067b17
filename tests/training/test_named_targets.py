"""Several targets of an example, by the guide's own example: a class and a number that one loss
reads."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import research.catalogue  # noqa: F401  (fills the registries)
from research import identity, plugin
from research.data.data_table import Table
from research.data.features.label import Label
from research.data.features.named_inputs import take
from research.data.features.named_targets import NamedTargets
from research.data.features.number import Number
from research.data.features.stored import from_json, to_json
from research.errors import UserError
from research.plugin.file import REGISTRIES
from research.registry import DATASETS
from research.sweeps.execute.ensure_records import refuse_without_scores
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
