"""Sequences through the engine: tokens, targets at each step, padding, streams, parts and lane
numbers."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research import config as config_lib
from research import identity
from research.data.features.number import Number
from research.data.features.time_series import TimeSeries
from research.data.spec import Arrays, DataSpec
from research.errors import UserError
from research.registry import TASKS
from research.tasks.problem import mean_over_steps
from research.testing import few_steps
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import chunk_evaluation, loop
from research.training.step import network, objective
from tests.support import engine
from tests.support.engine import InMemorySource, assert_close, lane
from tests.support.sequences import (
    CONTEXT,
    PADDED,
    SEQUENTIAL,
    SYMBOLS,
    TEXT,
    padded,
    run,
    spec,
    start,
    steps,
    tiny,
    train,
)


def test_more_padding_changes_nothing() -> None:
    """Longer arrays sum in another order; `assert_close` allows float32 rounding."""
    longer = padded(extra=3)
    short, long = (steps([run(source)], 1, source, 3) for source in (PADDED, longer))
    assert_close(long, short)


def test_the_numbers_of_an_architecture_are_lanes() -> None:
    """Another forget bias is another lane of one program, and no record's id but its own
    changes."""
    runs = [run(arch="lstm", arch__hidden=5, arch__forget_bias=bias) for bias in (1.0, 10.0)]
    assert runs[0].program == runs[1].program
    params = start(runs, 2).state.variables.params["Cells_0"]["input"]["bias"]
    np.testing.assert_array_equal(params[:, 5:10], np.repeat([[1.0], [10.0]], 5, axis=1))


def test_curves_and_final_metrics_are_means_over_windows() -> None:
    """Means over all windows by numpy; 1e-5 is float32 rounding of sums by batch."""
    own = run(epochs=12, optimizer="adam", learning_rate=0.03)
    chunk = start([own], 1)
    for epoch in range(12):
        loop.run_epoch(own.program, [chunk], ExecutionStrategy(1, 4), epoch)
    (outcome,) = loop.outcomes(own.program, chunk)
    validation = np.asarray(chunk.lanes.validation)[0]
    variables = jax.tree.map(lambda leaf: leaf[0], chunk.state.variables)
    x, y = TEXT.data.x[validation], TEXT.data.y[validation]
    logits = np.asarray(
        jax.jit(network.predict, static_argnums=0)(own.program, variables, lane(chunk.lanes, 0), x)
    )
    nats = optax.softmax_cross_entropy_with_integer_labels(logits, y)
    assert logits.shape == (len(validation), CONTEXT, len(SYMBOLS))
    assert outcome.metrics["validation/nll"] == pytest.approx(float(nats.mean()), rel=1e-5)
    assert outcome.curves["validation/loss"][-1] == pytest.approx(float(nats.mean()), rel=1e-5)
    assert outcome.metrics["validation/bits_per_character"] == pytest.approx(
        float(nats.mean()) / np.log(2), rel=1e-5
    )
    assert outcome.metrics["validation/perplexity"] == pytest.approx(
        np.exp(float(nats.mean())), rel=1e-5
    )
    right = float((logits.argmax(-1) == y).mean())
    assert outcome.metrics["validation/token_accuracy"] == pytest.approx(right, rel=1e-6)
    # The last symbol and a bit more than nothing about the next: far below ln 5.
    assert outcome.metrics["test/nll"] < 0.8
    assert (
        outcome.curves["train/bits_per_character"][-1]
        < outcome.curves["train/bits_per_character"][0]
    )


def test_parts_and_streams_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same outcome when it is evaluated two rows at a time, and when the windows are streamed
    from the host."""
    (whole,) = train([run()], 1)
    (streamed,) = train(
        [run()], 1, setup=chunk_lib.PackSetup(memory=chunk_lib.StreamingPolicy(device=0))
    )
    assert streamed == whole
    monkeypatch.setattr(chunk_evaluation, "EVALUATION_STEPS", 2 * CONTEXT)
    (parts,) = train([run()], 1)
    assert parts.checksums == whole.checksums
    assert parts.metrics == pytest.approx(whole.metrics, rel=1e-5)


# Those that answer at each step and model no language: of images, one that reads all of a text, and
# two of a source.
NO_LANGUAGE_MODELS = {"fcn", "unet", "transformer_encoder", "transformer", "seq2seq"}
NORMS = ("layer_norm", "group_norm=2", "rms_norm")
NORMALIZED = [(name, norm) for name in ("tcn", "ar", "latent_ar") for norm in NORMS]


@pytest.mark.parametrize(
    ("name", "normalization"),
    [*((name, "none") for name in SEQUENTIAL if name not in NO_LANGUAGE_MODELS), *NORMALIZED],
)
def test_no_language_model_sees_what_comes_next(name: str, normalization: str) -> None:
    """Another last token changes the last outputs and none before."""
    draw, predicted = np.random.default_rng(0), jax.jit(network.predict, static_argnums=0)
    own = run(**tiny(name), regularization=normalization)
    held, variables = few_steps.initial(own, TEXT.data)
    variables = jax.tree.map(
        lambda leaf: leaf + draw.normal(0, 0.3, leaf.shape).astype(leaf.dtype), variables
    )
    x = np.array(TEXT.data.x[np.arange(4)])
    before = np.asarray(
        predicted(own.program, variables, held, x)
    )  # x may be read until it is there
    x[:, -1] = (x[:, -1] + 1) % len(SYMBOLS)
    after = predicted(own.program, variables, held, x)
    np.testing.assert_allclose(after[:, :-1], before[:, :-1], rtol=1e-5, atol=1e-6)
    assert (after[:, -1] != before[:, -1]).any()


def test_accumulated_parts_are_the_batch() -> None:
    """Parts sum in another order; `assert_close` allows float32 rounding."""
    one, two = (steps([run(PADDED, accumulate=parts)], 1, PADDED) for parts in (1, 2))
    assert_close(two, one)


def test_half_precision_keeps_tokens() -> None:
    for name in ("lstm", "tcn", "gpt", "seq2seq"):
        found = steps([run(PADDED, **tiny(name), precision="bfloat16")], 1, PADDED)
        assert all(
            np.isfinite(leaf).all() and leaf.dtype == np.float32 for leaf in jax.tree.leaves(found)
        )


def test_padding_is_out_of_losses_and_metrics() -> None:
    """By hand: of three steps the last is padding, the first is right with probability 1/2, the
    second wrong."""
    problem = TASKS.get("step_classification").build()
    y = jnp.array([[0, 1, -1]])
    scores = jnp.log(jnp.array([[[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [1 / 3, 1 / 3, 1 / 3]]]))
    found = problem.example_metrics(scores, y)
    assert float(found["accuracy"][0]) == 0.5
    assert float(found["exact_match"][0]) == 0.0
    assert float(found["nll"][0]) == pytest.approx((np.log(2) + np.log(4)) / 2)
    targets = problem.encode(y, 3, 0.0, 1.0)
    np.testing.assert_array_equal(problem.real(targets), [[True, True, False]])
    loss = objective.losses(run(PADDED).program, scores, targets)
    np.testing.assert_allclose(loss, found["nll"], rtol=1e-6)
    np.testing.assert_array_equal(
        mean_over_steps(jnp.array([[2.0, 4.0]]), jnp.zeros((1, 2), bool)), [0]
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"arch": "mlp"}, r"arch=mlp takes numbers; memory has tokens \[6\]; use .*gru"),
        ({"scaling": "minmax"}, "scaling=minmax applies only to numbers"),
        ({"regularization": "input_noise=0.1"}, "input_noise changes numbers"),
        ({"regularization": "mixup=0.1"}, "mixup changes numbers"),
        ({"regularization": "batch_norm"}, "arch=gru has none"),
        (
            {"loss": "hinge"},
            "loss=hinge is for classification; for language_model there are cross_entropy",
        ),
        ({"label_noise": 0.1}, "label_noise redraws classes"),
        ({"arch": "min_gru", "arch.read": "pixels"}, "arch.read applies only to images"),
        (
            {"task": "classification"},
            "task=classification does not fit memory, which is for language_model",
        ),
    ],
    ids=str,
)
def test_what_does_not_fit(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        run(**settings)


def test_a_target_at_each_step_needs_an_output_at_each_step() -> None:
    numbers = spec("step_classification", 60, vocabulary=())
    with pytest.raises(
        UserError,
        match="arch=mlp answers once per example; memory has a target at each step; use ar,",
    ):
        run(InMemorySource(numbers, PADDED.data), arch="mlp")


def ragged() -> InMemorySource:
    """Series of 3 to 6 pairs of numbers, NaN after their end, and their sums."""
    draw = np.random.default_rng(2)
    x = draw.normal(5, 3, (40, CONTEXT, 2)).astype(np.float32)
    x[np.arange(CONTEXT) >= draw.integers(3, CONTEXT + 1, (40, 1))] = np.nan
    inputs = TimeSeries((CONTEXT, 2), padded=True)
    own = DataSpec("memory", "regression", inputs, Number(), 40, 0, "memory-ragged")
    return InMemorySource(own, Arrays(x, np.nansum(x, axis=(1, 2)), np.zeros(0, np.int32)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"regularization": "mixup=0.2"},
            "mixup mixes series, and those of memory are not equally long",
        ),
        (
            {"task": "reconstruction", "arch": "autoencoder"},
            "memory has series that are not equally long",
        ),
    ],
)
def test_what_does_not_fit_series_of_other_lengths(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        run(ragged(), **settings)


def test_series_of_other_lengths_are_scaled_by_their_real_steps() -> None:
    """Mean and deviation of the steps that are no padding, within float32 rounding."""
    source = ragged()
    own = run(source, arch__hidden=3)
    lanes = start([own], 1, source).lanes
    seen = source.data.x[np.asarray(lanes.train)[0]].reshape(-1, 2)
    np.testing.assert_allclose(lanes.shift[0], np.nanmean(seen, axis=0), rtol=1e-5)
    np.testing.assert_allclose(lanes.scale[0], np.nanstd(seen, axis=0), rtol=1e-5)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(steps([own], 1, source)))
    with pytest.raises(
        UserError, match=r"arch=mlp takes numbers; memory has padded series \[6, 2\]; use .*gru"
    ):
        run(source, arch="mlp")


def test_ids_of_other_data_are_what_they_were() -> None:
    config, _ = config_lib.resolve(
        {"seed": 3, "arch.hidden": "16", "regularization": "dropout=0.5"}
    )
    assert identity.run_id(config, "f") == "39211a401648f29e"
    assert engine.run(seed=3).program.id == "d7cb53df43c240a3"
