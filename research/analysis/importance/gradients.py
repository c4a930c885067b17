"""Gradients: saliency maps, and integrated gradients, which add up to the prediction's difference
to that of a baseline.

Of a class its log-odds is explained, log p / (1 - p), which does not saturate where the network is
sure. Of a regression it is the value in the data's units.

Reference: Simonyan, Vedaldi & Zisserman 2013 (arXiv 1312.6034); Sundararajan, Taly & Yan, Axiomatic
Attribution for Deep Networks, ICML 2017.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from research.analysis.importance.kept_run import KeptRun, without_rows
from research.data.features.image import Image
from research.data.features.prepared_table import PreparedTable
from research.errors import UserError
from research.training.setup.program import Program
from research.training.step.objective import evaluate_examples
from research.training.step.state import Lane, Variables

# Points between baseline and input at which gradients are taken.
STEPS = 64


def explained_classes(run: KeptRun, x: np.ndarray) -> np.ndarray:
    """The output that is explained of each example, int [N]: the likeliest class, 0 of a
    regression."""
    scores = run.scores(x)
    return scores.argmax(axis=1) if run.spec.targets.of_classes else np.zeros(len(scores), int)


def explained(run: KeptRun, x: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The log-odds or the value that is explained, float64 [N].

    Args:
        run: the run.
        x: raw inputs [N, ...].
        classes: of each example, [N].
    """
    program, lane = run.program, without_rows(run.lane)
    with program.precision_context():
        inputs = jnp.asarray(x, program.dtype)
        return np.asarray(_outputs(program, run.variables, lane, inputs, classes), np.float64)


def input_gradients(run: KeptRun, x: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The derivatives of what is explained by the raw inputs, [N, ...].

    Args:
        run: the run.
        x: raw inputs [N, ...].
        classes: of each example, [N].

    Raises:
        UserError: the run has no derivatives.
    """
    check_differentiable(run)
    program, lane = run.program, without_rows(run.lane)
    with program.precision_context():
        inputs = jnp.asarray(x, program.dtype)
        return np.asarray(_gradients(program, run.variables, lane, inputs, classes), np.float64)


def integrated_gradients(
    run: KeptRun, x: np.ndarray, baseline: np.ndarray, classes: np.ndarray, steps: int = STEPS
) -> np.ndarray:
    """(x - baseline) times the mean gradient on the way from the baseline to x, [N, ...].

    The sum over an example's inputs is what is explained of it, less that of the baseline, up to
    the error of the midpoint rule.

    Args:
        run: the run.
        x: raw inputs [N, ...].
        baseline: where nothing is to be seen, [...].
        classes: of each example, [N].
        steps: points on the way.
    """
    total = np.zeros(x.shape)
    # One step after another: a loop inside the compiled program makes convolutions slow on CPUs.
    for share in (np.arange(steps) + 0.5) / steps:
        total += input_gradients(run, baseline + share * (x - baseline), classes)
    return (x - baseline) * total / steps


def check_differentiable(run: KeptRun) -> None:
    """Raises UserError if a run's predictions have no derivatives by its inputs."""
    name = run.run.config.arch.name
    if run.members:
        raise UserError(
            f"{run.record.run_id} is an ensemble, whose gradients are not computed; use"
            " --method=permutation or shapley"
        )
    if run.program.fitted:
        other = "occlusion" if isinstance(run.raw, Image) else "permutation or shapley"
        raise UserError(
            f"arch={name} is fitted on the host and has no gradients; use --method={other}"
        )
    places = isinstance(run.raw, PreparedTable) and run.raw.stored.coded_columns
    if run.raw.arrays or run.raw.tokens or places:
        raise UserError(
            f"arch={name} reads {run.raw.describe()}; gradients require inputs that are numbers"
        )


def _explained(
    program: Program, variables: Variables, lane: Lane, x: jax.Array, classes: jax.Array
) -> jax.Array:
    """What is explained, [N]."""
    scores = evaluate_examples(program, variables, lane, x, None)["scores"]
    if not program.spec.targets.of_classes:
        return scores[:, 0]
    of_class = jnp.take_along_axis(scores, classes[:, None], axis=1)[:, 0]
    is_class = jnp.arange(scores.shape[1]) == classes[:, None]
    return of_class - jax.nn.logsumexp(jnp.where(is_class, -jnp.inf, scores), axis=1)


@functools.partial(jax.jit, static_argnums=0)
def _outputs(
    program: Program, variables: Variables, lane: Lane, x: jax.Array, classes: jax.Array
) -> jax.Array:
    return _explained(program, variables, lane, x, classes)


@functools.partial(jax.jit, static_argnums=0)
def _gradients(
    program: Program, variables: Variables, lane: Lane, x: jax.Array, classes: jax.Array
) -> jax.Array:
    def total(x: jax.Array) -> jax.Array:
        # The examples do not depend on each other, so the sum's gradient is that of each.
        return jnp.sum(_explained(program, variables, lane, x, classes))

    return jax.grad(total)(x)
