"""The law of masks: more padding, and examples without targets, change nothing, whatever network,
regularizer, metric.

One update of a full batch and the metrics of a split, for every architecture that takes padded
sequences. Beside it hand-worked means, mixing against PyTorch, and which data are masked at all.
"""

import dataclasses
import types
from collections.abc import Callable
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from research import rng
from research.data import in_memory, masks
from research.data.data_table import is_even
from research.data.features.feature import PADDING
from research.data.features.token_sequence import TokenSequence
from research.data.in_memory import InMemorySource
from research.data.spec import Arrays, DataSpec
from research.errors import UserError
from research.registry import TASKS
from research.regularization import targets
from research.sweeps.plan.run_plan import PlannedRun
from research.testing import few_steps
from research.testing.subjects import Subject
from research.training.apply import final_metrics
from research.training.devices import batch_layout
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import loop
from research.training.setup.lane_inputs import make_lane_inputs
from research.training.step import means, network, objective
from research.training.step.augment import augment_batch
from research.training.step.initial_state import compiled_initial_state
from research.training.step.means import TARGETS
from research.training.step.state import LaneState
from research.training.step.step import train_step
from tests.support.engine import assert_close, one_step
from tests.support.sequences import CONTEXT, PADDED, SEQUENTIAL, SYMBOLS, padded, run, spec, tiny

EXTRA = 4
# Batch norm where a network has a place for it, and what else adds up over steps.
MEMBERS = ("batch_norm", "activity_penalty(0.1,norm=l1)", "label_smoothing=0.1", "dropout=0.3")
READERS = [name for name in SEQUENTIAL if name not in ("fcn", "unet")]
TASKS_OF_STEPS = ("language_model", "sequence_to_sequence", "step_classification")


def numbers(extra: int = 0) -> InMemorySource:
    """Series of 3 to 6 pairs of numbers, NaN after their end, and of which class each is."""
    draw = np.random.default_rng(2)
    x = draw.normal(5, 3, (24, CONTEXT, 2)).astype(np.float32)
    x[np.arange(CONTEXT) >= draw.integers(3, CONTEXT + 1, (24, 1))] = np.nan
    x = np.pad(x, ((0, 0), (0, extra), (0, 0)), constant_values=np.nan)
    y = draw.integers(0, len(SYMBOLS), 24).astype(np.int32)
    series = {"shape": (CONTEXT + extra, 2), "padded": True, "vocabulary": ()}
    own = spec("classification", 24, **series, target_shape=())
    return InMemorySource(own, Arrays(x, y, np.zeros(0, np.int32)))


def settings(name: str, source: InMemorySource, task: str) -> dict[str, Any]:
    """A network with all MEMBERS that it takes, at one full batch an epoch."""
    chosen = {**tiny(name), "batch_size": "full", "epochs": 1, "split": "4:2", "task": task}
    members: list[str] = []
    for member in MEMBERS:
        try:
            run(source, **chosen, regularization=",".join([*members, member]))
        except UserError:
            continue
        members.append(member)
    return {**chosen, "regularization": ",".join(members)}


def batch(source: InMemorySource, rows: int) -> dict[str, Any]:
    x, y = (jnp.asarray(leaf[:rows]) for leaf in source.data[:2])
    return {"x": x, "y": y, "index": jnp.arange(rows), "factor": jnp.float32(1)}


def begun(own: PlannedRun, source: InMemorySource) -> LaneState:
    """The state before the first step, which padding does not change."""
    return compiled_initial_state(
        own.program, make_lane_inputs(own.config, own.program, source.data).lane
    )


def update(
    own: PlannedRun, source: InMemorySource, rows: int, state: LaneState
) -> tuple[Any, dict[str, jax.Array], dict[str, jax.Array]]:
    """Variables after one update by the first rows, the epoch's means, and the split's of what
    `evaluate_examples` finds."""
    lane, given = make_lane_inputs(own.config, own.program, source.data).lane, batch(source, rows)

    @jax.jit
    def one(state: LaneState, lane: Any, given: Any) -> Any:
        state = train_step(own.program, state, lane, given)
        found = objective.evaluate_examples(
            own.program, state.variables, lane, given["x"], given["y"]
        )
        split = {} if "scores" in found else means.of_split(own.program, found)
        return state.variables, means.of_epoch(own.program, state.sums), split

    return jax.device_get(one(state, lane, given))


def with_task(source: InMemorySource, task: str) -> InMemorySource:
    return InMemorySource(dataclasses.replace(source.spec, task=task), source.data)


@pytest.mark.parametrize("place", range(len(READERS)), ids=READERS)
def test_more_padding_and_examples_without_targets_change_nothing(place: int) -> None:
    """Each network on one of the tasks of steps; the three of them in turn."""
    name, task = READERS[place], TASKS_OF_STEPS[place % len(TASKS_OF_STEPS)]
    if name == "transformer_encoder":
        task = "step_classification"
    source = with_task(padded(), task)
    own = settings(name, source, task)
    assert "activity_penalty" in own["regularization"] or name == "ngram"
    longer = with_task(padded(EXTRA), task)
    y = longer.data.y.copy()
    y[20:30] = PADDING
    emptier = InMemorySource(longer.spec, longer.data._replace(y=y))
    state = begun(run(source, **own), source)
    expected = update(run(source, **own), source, 20, state)
    assert_close(update(run(emptier, **own), emptier, 30, state), expected, 2e-6)


@pytest.mark.parametrize("name", ["tcn", "lstm"])
def test_more_padding_of_series_changes_nothing(name: str) -> None:
    """Of one class a series: batch norm, penalties and the last real step."""
    source, longer = numbers(), numbers(EXTRA)
    own = settings(name, source, "classification")
    state = begun(run(source, **own), source)
    short, long = (update(run(of, **own), of, 20, state)[:2] for of in (source, longer))
    assert_close(long, short, 2e-6)


def test_parts_are_the_batch() -> None:
    """Accumulated in parts that are filled up with rows: every target weighs what it weighs in one
    batch."""
    runs = [run(PADDED, loss_mean="targets", accumulate=count) for count in (1, 3)]
    one, parts = (few_steps.steps([own], PADDED.data, 1, 2) for own in runs)
    assert_close(parts, one)


@pytest.mark.parametrize("parts", [1, 3])
def test_a_batch_without_targets_is_no_update(parts: int) -> None:
    """Momentum, decay, the mean and the running statistics stay as the update before left them; the
    step is counted."""
    members = "batch_norm,ema=0.9,weight_decay=0.1"
    own = run(
        PADDED,
        **tiny("tcn"),
        regularization=members,
        accumulate=parts,
        **{"optimizer.momentum": 0.9},
    )
    lane, given = (
        make_lane_inputs(own.config, own.program, PADDED.data).lane,
        batch(PADDED, own.program.sizes.batch),
    )
    weighed = batch_layout.batch_masks(own.program.sizes, parts, 1, 0, 0, 1)
    given |= {name: mark[0] for name, mark in weighed.items()}
    given = {**given, "x": given["x"][given["index"]], "y": given["y"][given["index"]]}
    once = one_step(own.program, begun(own, PADDED), lane, given)
    nothing = {**given, "y": jnp.full_like(given["y"], PADDING)}
    twice = one_step(own.program, once, lane, nothing)
    for name in ("variables", "opt_state", "mean"):
        chex.assert_trees_all_equal(getattr(twice, name), getattr(once, name))
    assert (int(once.step), int(twice.step), int(twice.diverged_at)) == (1, 2, -1)
    for name, total in twice.sums.items():
        assert float(total) == float(once.sums[name])


def test_means_are_over_targets() -> None:
    """By hand: an answer of one token and one of three; the perplexity is that of the tokens, 4 in
    all."""
    problem = TASKS.get("language_model").build()
    nll, right = np.array([2.0, 1.0, 9.0]), np.array([0.0, 2 / 3, 1.0])
    assessed = {
        "loss": nll,
        "nll": nll,
        "token_accuracy": right,
        TARGETS: np.array([1.0, 3.0, 0.0]),
    }
    found = final_metrics.final_metrics(problem, assessed, None)
    assert found["nll"] == pytest.approx(5 / 4)
    assert found["perplexity"] == pytest.approx(np.exp(5 / 4))
    assert found["token_accuracy"] == pytest.approx(2 / 4)
    exact = means.of_metrics(
        TASKS.get("step_classification").build(), {"exact_match": right, TARGETS: np.r_[1, 3, 0]}
    )
    assert exact["exact_match"] == pytest.approx(1 / 3)  # of the two sequences that have targets
    nothing = means.of_metrics(problem, {"nll": nll, TARGETS: np.zeros(3)})
    assert np.isnan(nothing["nll"])


@pytest.mark.parametrize("weighs", ["examples", "targets"])
def test_records_and_curves_are_per_token(weighs: str) -> None:
    """Against the logits, over the updates of an epoch at a learning rate of next to nothing."""
    own = run(PADDED, epochs=1, learning_rate=1e-12, loss_mean=weighs, split="1:1")
    (chunk,) = chunk_lib.start(own.program, [own.config], PADDED.data, ExecutionStrategy(1, 4))
    loop.run_epoch(own.program, [chunk], ExecutionStrategy(1, 4), 0)
    (outcome,) = loop.outcomes(own.program, chunk)
    variables = jax.tree.map(lambda leaf: leaf[0], chunk.state.variables)
    lane = few_steps.lane(chunk.lanes, 0)

    def nats(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = PADDED.data.x[rows], PADDED.data.y[rows]
        logits = torch.tensor(
            np.asarray(network.predict(own.program, variables, lane, jnp.asarray(x)))
        )
        loss = torch.nn.functional.cross_entropy(
            logits.transpose(1, 2), torch.tensor(y).long(), ignore_index=PADDING, reduction="none"
        )
        return loss.numpy().sum(1), (y != PADDING).sum(1)

    test, count = nats(np.asarray(lane.test))
    assert len(set(count)) > 1
    assert outcome.metrics["test/nll"] == pytest.approx(test.sum() / count.sum(), rel=1e-5)
    seen = np.asarray(chunk.functions.order(chunk.lanes, np.zeros(1, np.int32), 24))[0]
    train, of_train = nats(seen)
    assert outcome.curves["train/nll"][0] == pytest.approx(train.sum() / of_train.sum(), rel=1e-5)
    expected = train.sum() / of_train.sum() if weighs == "targets" else (train / of_train).mean()
    assert outcome.curves["train/loss"][0] == pytest.approx(expected, rel=1e-5)


def loss_of(own: PlannedRun, x: jax.Array, y: np.ndarray, logits: np.ndarray) -> float:
    """The training loss of a batch whose network gives these logits [B, H, W, C]."""
    lane = make_lane_inputs(own.config, own.program, in_memory.masks().data).lane
    given = {"x": x, "y": jnp.asarray(y), "index": jnp.arange(len(y))}
    state: Any = types.SimpleNamespace(step=jnp.int32(0))
    augmented = augment_batch(
        own.program, state, lane, given, network.forward(own.program, lane, given["index"])
    )
    losses = objective.losses(own.program, jnp.asarray(logits), augmented.targets)
    return float(augmented.fwd.loss(losses))


@pytest.mark.parametrize("weighs", ["examples", "targets"])
def test_mixup_of_masks_with_ignored_pixels_is_pytorchs(weighs: str) -> None:
    """λ CE(a) + (1 - λ) CE(b), each over the pixels of its own that are not ignored."""
    data = in_memory.masks()
    y = data.data.y[:6].copy()
    generator = np.random.default_rng(0)
    y[generator.random(y.shape) < 0.4] = PADDING
    fcn = {
        "arch": "fcn",
        "arch.channels": (2, 3),
        "arch.convolutions": 1,
        "arch.dense": (4,),
        "arch.stride": "2",
    }
    own = Subject(fcn, data).run(regularization="mixup=0.7", batch_size=6, loss_mean=weighs)
    logits = generator.normal(size=(*y.shape, 2)).astype(np.float32)
    x = jnp.asarray(data.data.x[:6])

    lane = make_lane_inputs(own.config, own.program, data.data).lane
    key = rng.at(lane.noise_seed, "mixup", jnp.int32(0))
    weight, partner = float(targets._weight(key, 0.7)), np.asarray(targets._partners(key, 6))
    assert 0.01 < weight < 0.99
    assert (partner != np.arange(6)).any()

    def cross_entropy(mask: np.ndarray) -> float:
        each = torch.nn.functional.cross_entropy(
            torch.tensor(logits).permute(0, 3, 1, 2),
            torch.tensor(mask).long(),
            ignore_index=PADDING,
            reduction="none",
        ).numpy()
        count = (mask != PADDING).sum((1, 2))
        return float(
            each.sum() / count.sum() if weighs == "targets" else (each.sum((1, 2)) / count).mean()
        )

    expected = weight * cross_entropy(y) + (1 - weight) * cross_entropy(y[partner])
    assert loss_of(own, x, y, logits) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("member", ["mixup=0.2", "cutmix=1", "label_smoothing=0.1"])
def test_a_loss_that_is_not_linear_takes_no_mixed_classes(member: str) -> None:
    images = Subject({"arch": "cnn", "arch.channels": (2,), "arch.dense": (4,)}, in_memory.images())
    with pytest.raises(
        UserError, match=f"{member.partition('=')[0]} mixes classes, and loss=hinge"
    ):
        images.run(loss="hinge", regularization=member)
    for loss in ("cross_entropy", "perceptron"):
        assert images.run(loss=loss, regularization=member)
    assert images.run(loss="hinge", regularization=f"{member.partition('=')[0]}=0")
    assert Subject({"arch": "mlp", "arch.hidden": (4,)}, in_memory.table()).run(
        loss="huber", regularization="mixup=0.2"
    )


def everywhere(spec: DataSpec) -> DataSpec:
    """The same data, known to have all its steps and targets."""
    inputs, targets = spec.inputs, dataclasses.replace(spec.targets, even=True)
    if isinstance(inputs, TokenSequence):
        inputs = dataclasses.replace(inputs, even=True)
    return dataclasses.replace(spec, inputs=inputs, targets=targets)


def test_which_data_are_masked() -> None:
    """Where nothing is missing, or the same places in all examples, ids are what they were and
    nothing is computed."""
    config = run(PADDED).config
    even = everywhere(PADDED.spec)
    assert masks.masked(config, PADDED.spec)
    assert not masks.masked(config, even)
    assert (
        masks.data_id(config, even) == PADDED.spec.fingerprint != masks.data_id(config, PADDED.spec)
    )
    plain, moved = (
        Subject({"arch": "fcn", "arch.channels": (2, 3), "arch.stride": "2"}, in_memory.masks())
        .run(regularization=m)
        .config
        for m in ("none", "shift=1")
    )
    full = everywhere(in_memory.masks().spec)
    assert not masks.masked(plain, full)
    assert masks.masked(moved, full)
    with pytest.raises(
        UserError,
        match="loss_mean=targets applies only to examples that differ in their number of",
    ):
        run(InMemorySource(even, PADDED.data), loss_mean="targets")


@pytest.mark.parametrize(
    ("change", "even"),
    [
        (lambda x, y: None, True),
        (lambda x, y: y.__setitem__((slice(None), 0), PADDING), True),  # nobody has a first target
        (lambda x, y: y.__setitem__((3, 0), PADDING), False),
        (lambda x, y: x.__setitem__((3, -1), PADDING), False),
        (lambda x, y: y.__setitem__(slice(None), PADDING), False),
    ],
)
def test_what_is_even(change: Callable[[np.ndarray, np.ndarray], None], even: bool) -> None:
    x, y = np.ones((5, 3), np.int32), np.ones((5, 3), np.int32)
    change(x, y)
    assert is_even(x, y, tokens=True) == even
