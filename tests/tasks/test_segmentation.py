"""Segmentation's metrics by hand and against scikit-learn, and masks that move with their
pictures."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import jaccard_score

import research.catalogue  # noqa: F401
from research.data import in_memory
from research.data.features.feature import PADDING
from research.data.shapes import CLASSES, inside_of, shapes
from research.errors import UserError
from research.models.layers.upsampling import Upsample, resized
from research.regularization import targets
from research.tasks import segmentation
from research.testing import few_steps
from research.testing.subjects import Subject
from research.training.step.augment import augment_batch
from research.training.step.network import forward
from tests.support.networks import outputs

FCN = {
    "arch": "fcn",
    "arch.channels": (2, 3),
    "arch.convolutions": 1,
    "arch.dense": (4,),
    "arch.stride": "2",
}


def test_metrics_are_those_of_scikit_learn() -> None:
    """IoU of each class from means over examples is scikit-learn's over pixels, within float32
    rounding."""
    generator = np.random.default_rng(0)
    scores, y = (
        generator.normal(size=(5, 4, 3, 4)),
        generator.integers(-1, 3, (5, 4, 3)),
    )  # nobody is of class 3
    found, counted = scores.argmax(axis=-1), y >= 0
    means = {
        name: float(v.mean())
        for name, v in segmentation.example_metrics(jnp.array(scores), jnp.array(y)).items()
    }
    metrics = segmentation.finish({**means, "loss": 1.0})
    ious = jaccard_score(y[counted], found[counted], labels=range(4), average=None)
    np.testing.assert_allclose([metrics[f"iou_{k}"] for k in range(4)], ious, rtol=1e-6)
    assert metrics["miou"] == pytest.approx(ious.mean(), rel=1e-6)
    assert metrics["loss"] == 1.0
    assert not any(name.startswith(("intersection", "union")) for name in metrics)


def test_a_class_that_is_nowhere_does_not_count() -> None:
    scores, y = jnp.array([[[[9.0, 0.0, 0.0], [9.0, 0.0, 0.0]]]]), jnp.array([[[0, 1]]])
    means = {name: float(v.mean()) for name, v in segmentation.example_metrics(scores, y).items()}
    metrics = segmentation.finish(means)
    assert (metrics["iou_0"], metrics["iou_1"], metrics["miou"]) == (0.5, 0.0, 0.25)
    assert np.isnan(metrics["iou_2"])


def test_shapes_by_hand() -> None:
    """A shape has its area; 2 % is the pixels along its border."""
    centre = np.array([2.0, 2.0])
    square = inside_of("square", 4, centre, 1.0)
    np.testing.assert_array_equal(square, np.pad(np.ones((2, 2), bool), 1))
    assert inside_of("circle", 64, np.array([32.0, 32.0]), 16.0).sum() == pytest.approx(
        np.pi * 16**2, rel=0.02
    )
    triangle = inside_of("triangle", 64, np.array([32.0, 32.0]), 16.0)
    assert triangle.sum() == pytest.approx(0.5 * 32 * 32, rel=0.02)
    assert (np.diff(triangle.sum(axis=1)[16:48]) >= 0).all()  # it stands on its base


def test_shapes_are_drawn_by_their_seed() -> None:
    one, other = (shapes(16, 2, 10.0, 20, 5, seed) for seed in (1, 2))
    assert (np.asarray(one.x) != other.x).any()
    assert set(np.unique(one.y)) == set(range(len(CLASSES)))
    assert ((one.y > 0).any(axis=(1, 2))).mean() > 0.9


@pytest.mark.parametrize("member", ["flip=1", "shift=3", "rotation=90", "scale(0.6,0.8)"])
def test_a_mask_moves_with_its_picture(member: str) -> None:
    """Bright pixels stay those of the block, but for a few between pixels; what comes in is not
    counted."""
    data = in_memory.masks()
    run = Subject(FCN, data).run(regularization=member, scaling="none")
    lane, _ = few_steps.initial(run, data.data)
    index = jnp.arange(8)
    batch = {"x": jnp.array(data.data.x[:8]), "y": jnp.array(data.data.y[:8]), "index": index}
    state = few_steps.start([run], data.data, 1).state
    moved = jax.jit(
        lambda state: augment_batch(
            run.program, state, lane, batch, forward(run.program, lane, index)
        )
    )
    augmented = jax.device_get(moved(jax.tree.map(lambda leaf: leaf[0], state)))
    x, y, encoded = augmented.x, augmented.y, augmented.targets
    counted = y != PADDING
    clear = counted & (x[..., 0] > 120 / 255)
    assert clear.sum() > 20
    agreement = (y[clear] == 1).mean()
    assert agreement == 1 if member in ("flip=1", "shift=3") else agreement > 0.9
    assert (y != data.data.y[:8]).any()
    np.testing.assert_array_equal(encoded.sum(axis=-1), counted)


def test_cutmix_pastes_the_mask_and_smoothing_leaves_what_is_not_counted() -> None:
    """Smoothed shares by hand, within float32 rounding."""
    x = jnp.broadcast_to(jnp.arange(4.0)[:, None, None, None], (4, 6, 6, 1))
    y = jnp.broadcast_to(jnp.eye(4)[:, None, None], (4, 6, 6, 4))
    mixed, pasted = targets.cutmix(1.0)(x, y, jax.random.key(3))
    np.testing.assert_array_equal(np.asarray(pasted).argmax(axis=-1), np.asarray(mixed)[..., 0])
    assert (mixed != x).any()
    nothing = jnp.zeros((1, 2, 4)).at[0, 0, 1].set(1.0)
    smooth = targets.label_smoothing(0.2)(x, nothing, jax.random.key(0))[1]
    np.testing.assert_allclose(smooth, [[[0.05, 0.85, 0.05, 0.05], [0, 0, 0, 0]]], rtol=1e-6)


def test_any_size_and_the_heat_map() -> None:
    """One set of parameters for images of every size; without targets at pixels the outputs are the
    heat map's mean."""
    data = in_memory.masks(side=8)
    run = Subject(FCN, data).run()
    lane, variables = few_steps.initial(run, data.data)
    fwd = forward(run.program, lane, None)
    for height, width in ((8, 8), (7, 13), (3, 5)):
        out = outputs(
            run.program.model, {"params": variables.params}, jnp.ones((1, height, width, 1)), fwd
        )
        assert out.shape == (1, height, width, 2)
    classifies = run.program.model.clone(per_step=False)
    params = {name: leaf for name, leaf in variables.params.items() if name != "Conv_1"}
    assert outputs(classifies, {"params": params}, jnp.ones((2, 16, 12, 1)), fwd).shape == (2, 2)


def test_what_cannot_be_is_said() -> None:
    masks, images = in_memory.masks(), in_memory.images(8)
    with pytest.raises(UserError, match=r"memory has a target at each pixel; use unet$"):
        Subject({"arch": "cnn"}, masks).run()
    with pytest.raises(
        UserError, match="arch=unet answers at each pixel; memory has one target per example"
    ):
        Subject({"arch": "unet"}, images).run()
    with pytest.raises(
        UserError, match=r"arch.stride=8 is beyond the last of 2 stages, whose stride is 4"
    ):
        Subject({**FCN, "arch.stride": "8"}, masks).run()
    with pytest.raises(
        UserError, match=r"arch.levels=4 is too deep for images of 8x8; use at most 3"
    ):
        Subject({"arch": "unet", "arch.levels": "4"}, in_memory.masks(side=8)).run()
    assert Subject({"arch": "unet", "arch.levels": "3"}, in_memory.masks(side=8)).run()
    with pytest.raises(UserError, match="crop makes images smaller"):
        Subject(FCN, masks).run(regularization="crop=2")


@pytest.mark.parametrize("factor", [2, 4])
def test_a_transposed_convolution_begins_as_the_bilinear_resize(factor: int) -> None:
    """Away from the border, outside which it takes zeros to lie; no channel reads another."""
    x = jax.random.normal(jax.random.key(0), (1, 6, 5, 2))
    grown, _ = Upsample(2, factor, bilinear=True).init_with_output(jax.random.key(1), x)
    inside = (slice(None), slice(factor, -factor), slice(factor, -factor))
    expected = resized(x, (6 * factor, 5 * factor))
    np.testing.assert_allclose(grown[inside], expected[inside], rtol=1e-5, atol=1e-6)
