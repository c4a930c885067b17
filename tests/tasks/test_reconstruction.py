"""Reconstruction against principal components and closed forms; the vae's losses, latents and its
published size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from sklearn.decomposition import PCA

from research import rng
from research.data import in_memory
from research.errors import UserError
from research.models.layers.forward import Forward
from research.models.layers.gaussian import GaussianSample
from research.tasks import divergence
from research.testing import few_steps
from research.testing.subjects import Subject
from research.training.setup.lane_inputs import footprint
from research.training.step.augment import augment_batch
from research.training.step.network import forward
from tests.support.engine import bundled, fitted

AUTOENCODER = {"task": "reconstruction", "arch": "autoencoder", "arch.hidden": (), "arch.code": 2}
VAE = {"task": "reconstruction", "arch": "vae", "scaling": "none"}


def test_a_linear_autoencoder_finds_the_principal_components(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """300 steps come within 1 % of PCA's error, which is the least possible; 1e-5 is float32
    rounding of it."""
    settings = {
        **AUTOENCODER,
        "dataset": "iris",
        "split_seed": 0,
        "optimizer": "adam",
        "learning_rate": 0.02,
    }
    settings |= {"epochs": 300, "batch_size": "full", "split": "8:1:1"}
    planner = bundled(str(tmp_path_factory.getbasetemp() / "reconstruction"))
    chunk, run = fitted(planner, settings)
    lane = jax.tree.map(lambda leaf: np.asarray(leaf)[0], chunk.lanes)
    x = (planner.arrays(run).x[lane.train] - lane.shift) / lane.scale
    best = PCA(2).fit(x)
    expected = np.mean((best.inverse_transform(best.transform(x)) - x) ** 2)
    found = float(np.asarray(chunk.rows[-1]["train/mse"])[0])
    assert found == pytest.approx(expected, rel=0.01)
    assert found >= expected * (1 - 1e-5)


def test_targets_are_clean_and_move_with_the_image() -> None:
    """Targets are the clean or flipped pixels over 255, within float32 rounding."""
    data = in_memory.images(6)
    index = jnp.arange(8)
    for member, moves in (("input_noise=0.3", False), ("cutout=3", False), ("flip=1", True)):
        run = Subject({**AUTOENCODER, "scaling": "none"}, data).run(regularization=member)
        lane, _ = few_steps.initial(run, data.data)
        batch = {"x": jnp.array(data.data.x[:8]), "y": jnp.array(data.data.y[:8]), "index": index}
        state = jax.tree.map(lambda leaf: leaf[0], few_steps.start([run], data.data, 1).state)
        augmented = augment_batch(
            run.program, state, lane, batch, forward(run.program, lane, index)
        )
        x, y, targets = augmented.x, augmented.y, augmented.targets
        clean = data.data.x[:8] / np.float32(255)
        np.testing.assert_allclose(
            y, (clean[:, :, ::-1] if moves else clean).reshape(8, -1), rtol=1e-6
        )
        np.testing.assert_array_equal(y, targets)
        assert np.array_equal(np.asarray(x).reshape(8, -1), np.asarray(y)) == moves


def test_the_divergence_is_that_of_gaussians() -> None:
    """By the closed form at hand-worked points, and by numerical integration."""

    def kl(mean: float, log_variance: float) -> float:
        outputs = jnp.array([[7.0, 7.0, mean, log_variance]])
        return float(divergence.divergence(outputs, jnp.zeros((1, 2)))[0])

    assert kl(0.0, 0.0) == 0
    assert kl(2.0, 0.0) == pytest.approx(2.0)
    assert kl(0.0, np.log(4.0)) == pytest.approx(0.5 * (4 - 1 - np.log(4.0)), rel=1e-6)
    own, prior, z = (
        scipy.stats.norm(0.7, np.exp(-0.3)),
        scipy.stats.norm(),
        np.linspace(-12, 12, 200_001),
    )
    expected = np.trapezoid(own.pdf(z) * (own.logpdf(z) - prior.logpdf(z)), z)
    assert kl(0.7, -0.6) == pytest.approx(expected, rel=1e-5)


def test_losses_and_bounds_by_hand() -> None:
    """Squares and KL by hand, likelihoods by scipy, within float32 rounding."""
    targets, outputs = (
        jnp.array([[1.0, 0.0]]),
        jnp.array([[0.5, 0.25, 2.0, 0.0]]),
    )  # one latent, of KL 2
    assert divergence.squared_kl(outputs, targets)[0] == pytest.approx(0.25 + 0.0625 + 2)
    likelihood = scipy.stats.norm(outputs[0, :2], np.sqrt(0.5)).logpdf(targets[0]).sum()
    assert divergence.gaussian_bound(outputs, targets)[0] == pytest.approx(likelihood - 2, rel=1e-6)
    pixels = scipy.stats.bernoulli(1 / (1 + np.exp(-np.array([0.5, 0.25])))).logpmf([1, 0]).sum()
    assert divergence.bernoulli_kl(outputs, targets)[0] == pytest.approx(2 - pixels, rel=1e-6)


def test_latents_are_drawn_from_their_gaussian() -> None:
    """In training by the key, in evaluation by the example: the same wherever it lies, another for
    another example."""
    x = jnp.arange(4_000.0)[:, None]
    mean, log_variance = jnp.full((4_000, 1), 3.0), jnp.full((4_000, 1), np.log(4.0))
    for fwd in (Forward(), Forward(train=True, index=jnp.arange(4_000))):
        z = GaussianSample().apply(
            {}, mean, log_variance, x, fwd, rngs={"latent": rng.stream(0, "latent")}
        )
        assert scipy.stats.kstest(np.asarray(z)[:, 0], scipy.stats.norm(3, 2).cdf).pvalue > 0.01
    drawn = GaussianSample().apply({}, mean, log_variance, x, Forward())
    turned = GaussianSample().apply({}, mean, log_variance, x[::-1], Forward())
    np.testing.assert_array_equal(drawn, turned[::-1])


def test_the_vae_is_that_of_deepobs() -> None:
    """Its parameters, counted layer by layer as TensorFlow lays them out."""
    run = Subject(VAE, in_memory.images(28)).run()
    encoder = (16 * 64 + 64) + 2 * (16 * 64 * 64 + 64) + 2 * (7 * 7 * 64 * 8 + 8)
    decoder = (
        (8 * 24 + 24)
        + (24 * 49 + 49)
        + (16 * 64 + 64)
        + 2 * (16 * 64 * 64 + 64)
        + (14 * 14 * 64 * 784 + 784)
    )
    assert footprint(run.config, run.program)[0] == encoder + decoder


def test_what_cannot_be_is_said() -> None:
    images, tokens = in_memory.images(28), in_memory.text()
    for settings, data, message in (
        ({"arch": "vae"}, images, "arch=vae reconstructs its inputs; say --task=reconstruction"),
        (
            {**VAE, "scaling": "standard"},
            images,
            "sigmoid is for inputs in .0, 1., which scaling=standard",
        ),
        (
            {**VAE, "loss": "squared"},
            images,
            "loss=squared leaves a vae's latents without their prior",
        ),
        ({**VAE, "loss": "bernoulli_kl"}, images, "bernoulli_kl takes logits"),
        ({**AUTOENCODER, "loss": "squared_kl"}, images, "arch=autoencoder has none; use arch=vae"),
        (VAE, in_memory.images(6), "arch=vae halves images twice; 6x6 is not a multiple of 4"),
        (
            AUTOENCODER,
            tokens,
            "task=reconstruction applies to tables, images and series with a label; memory has"
            " tokens",
        ),
    ):
        with pytest.raises(UserError, match=message):
            Subject(settings, data).run()
