"""Soft targets against PyTorch's cross-entropy with probabilities, and trained from a plugin."""

import csv
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from research.data.data_table import Table
from research.regularization.targets import label_smoothing, mixup
from research.tasks import soft_classification
from research.tasks.losses import cross_entropy
from tests.support.command_lines import ROOT, run_all
from tests.support.records import stored_records

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(0, 2, (6, 4)).astype(np.float32)
SHARES = RANDOM.dirichlet(np.ones(4), 6).astype(np.float32)
VOTES = '''
import numpy as np

from research.plugin import Table, dataset


@dataset(test_options={"rows": 60})
def votes(rows: int = 100) -> Table:
    """Points on a line, with the share of annotators who call each low, middle or high."""
    x = np.random.default_rng(0).uniform(-2, 2, (rows, 1))
    y = np.exp(-2 * (x - np.array([-1.0, 0.0, 1.0])) ** 2)
    return Table(x.astype(np.float32), y / y.sum(1, keepdims=True), ("low", "middle", "high"))
'''


def pytorch(logits, shares, smoothing=0.0):
    """The loss and its gradient with respect to the logits."""
    given = torch.tensor(np.asarray(logits), requires_grad=True)
    loss = torch.nn.functional.cross_entropy(
        given, torch.tensor(np.asarray(shares)), label_smoothing=smoothing
    )
    loss.backward()
    return loss.item(), given.grad.numpy()


def ours(logits, shares):
    return jax.value_and_grad(lambda z: cross_entropy(z, shares).mean())(logits)


def test_loss_and_gradient_are_pytorchs():
    """Loss and gradient are PyTorch's, within float32 rounding."""
    targets = soft_classification.encode(jnp.asarray(SHARES), 4, jnp.zeros(()), jnp.ones(()))
    loss, gradient = ours(LOGITS, targets)
    expected, of_pytorch = pytorch(LOGITS, SHARES)
    assert loss == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(gradient, of_pytorch, atol=1e-7)
    assert soft_classification.summary(LOGITS, SHARES)["nll"] == pytest.approx(expected, rel=1e-6)


def test_smoothing_and_mixup_compose():
    """Loss and gradient are PyTorch's of the smoothed and mixed shares, within float32 rounding."""
    key = jax.random.key(0)
    _, smooth = label_smoothing(0.2)(LOGITS, SHARES, key)
    loss, gradient = ours(LOGITS, smooth)
    expected, of_pytorch = pytorch(LOGITS, SHARES, smoothing=0.2)
    assert loss == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(gradient, of_pytorch, atol=1e-7)
    _, mixed = mixup(0.4)(LOGITS, jnp.asarray(smooth), key)
    np.testing.assert_allclose(mixed.sum(-1), 1, atol=1e-6)
    assert ours(LOGITS, mixed)[0] == pytest.approx(pytorch(LOGITS, mixed)[0], rel=1e-6)


def test_metrics_by_hand():
    """Accuracy and NLL by hand, to the six decimals that are written."""
    logits = np.log(np.array([[0.25, 0.75], [0.5, 0.5]]))
    shares = np.array([[0.5, 0.5], [1.0, 0.0]])
    # -(log 0.25 + log 0.75) / 2 = 0.836988, -log 0.5 = 0.693147; the first argmax of a tie counts.
    metrics = soft_classification.summary(logits, shares)
    assert metrics == pytest.approx({"accuracy": 0.5, "nll": (0.836988 + 0.693147) / 2}, abs=1e-6)
    each = soft_classification.example_metrics(jnp.asarray(logits), jnp.asarray(shares))
    assert np.mean(each["nll"]) == pytest.approx(metrics["nll"], abs=1e-6)
    assert each["accuracy"].tolist() == [0, 1]


def test_a_table_with_shares_says_what_its_targets_are():
    table = Table(LOGITS, SHARES, tuple("abcd"))
    assert (table.task, table.classes) == ("soft_classification", ())
    assert (table.targets.names, table.targets.width) == (tuple("abcd"), 4)


def test_a_plugin_trains_on_shares(tmp_path: Path) -> None:
    """The recorded NLL is PyTorch's of the kept scores, within float32 rounding."""
    (tmp_path / "votes.py").write_text(VOTES)
    common = ["--plugin=votes.py", "--dataset=votes", "--arch=linear", "--epochs=2"]
    common += ["--batch_size=16", f"--cache_dir={ROOT / '.cache' / 'tests'}"]
    mixed = "--regularization=label_smoothing=0.1,mixup=0.2"
    trained, evaluated, *refused = run_all(
        [
            ["train", *common, mixed, "--keep_params", "--keep_predictions", "--name=soft"],
            ["evaluate", "--plugin=votes.py", "--run=soft", "--out=files"],
            ["train", *common, "--label_noise=0.1"],
            ["train", *common, "--metrics=f1_macro"],
            ["train", *common, "--target_scaling=standard"],
            ["train", *common, "--loss=hinge"],
        ],
        tmp_path,
    )
    assert (trained.code, evaluated.code) == (0, 0), evaluated.err
    (stored,) = tmp_path.glob("records/predictions/*.npz")
    metrics = stored_records(tmp_path)[stored.stem]["metrics"]
    with np.load(stored) as kept:
        expected, _ = pytorch(kept["test_scores"], kept["test_targets"])
        names = np.array(["low", "middle", "high"])[kept["test_targets"].argmax(1)].tolist()
        right = kept["test_scores"].argmax(1) == kept["test_targets"].argmax(1)
    assert metrics["test/nll"] == pytest.approx(expected, rel=1e-6)
    assert metrics["test/accuracy"] == pytest.approx(right.mean())
    with (tmp_path / "files/predictions.csv").open() as file:
        assert [row["target"] for row in csv.DictReader(file)] == names
    assert [result.code for result in refused] == [2] * len(refused)
    assert all("soft_classification" in result.err for result in refused)
