"""Permutation importance: how much a metric falls if a feature's values are shuffled over the rows.

Nothing is trained. A network's runs of one program, all features and all repeats are one compiled
call.

Reference: Breiman, Random Forests, Machine Learning 2001; Fisher, Rudin & Dominici, JMLR 2019.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.analysis.importance.feature_columns import FeatureColumns, masks_of
from research.analysis.importance.kept_run import KeptRun, without_rows
from research.errors import UserError, nearest
from research.registry import LOSSES
from research.training.setup.lane_inputs import stacked
from research.training.setup.program import Program
from research.training.step.objective import evaluate_examples, metric_names
from research.training.step.state import Lane, Variables

# Numbers of shuffled inputs that are predicted at once: more would leave the caches.
AT_ONCE = 1 << 18


class ShuffledRows(NamedTuple):
    """x: raw inputs [S, N, ...]. y: targets [S, N]. orders: those of the rows, [S, R, N]."""

    x: Any
    y: Any
    orders: Any


def shuffles(seed: int, repeats: int, rows: int) -> np.ndarray:
    """The orders of the rows, int32 [repeats, rows]: those of scikit-learn's
    `permutation_importance(..., random_state=seed)`, the same for each feature.

    Args:
        seed: of the shuffles.
        repeats: how many.
        rows: how many rows are shuffled.
    """
    first = np.random.RandomState(seed)
    draw = np.random.RandomState(first.randint(np.iinfo(np.int32).max + 1))
    order, shuffled = np.arange(rows), np.arange(rows)
    orders = np.empty((repeats, rows), np.int32)
    for repeat in range(repeats):
        # scikit-learn shuffles the values that it has shuffled before.
        draw.shuffle(order)
        shuffled = shuffled[order]
        orders[repeat] = shuffled
    return orders


def permutation_importance(
    runs: Sequence[KeptRun],
    features: Sequence[FeatureColumns],
    metric: str,
    part: str,
    repeats: int,
) -> np.ndarray:
    """How much the metric is worse for each shuffle, [S, F, R]. Above 0 the feature helps.

    Shuffles are drawn from each run's seed.

    Args:
        runs: S runs of one data set.
        features: F features.
        metric: one of the task's.
        part: train, validation or test: whose rows are shuffled.
        repeats: R.

    Raises:
        UserError: the task has no such metric.
    """
    problem = runs[0].program.problem
    if metric not in problem.better:
        raise UserError(
            f"--metric={metric}: task={runs[0].run.config.task} has no such metric;"
            f" {nearest(metric, problem.better)}"
        )
    worse = -1.0 if problem.better[metric] == "lower" else 1.0
    values = np.empty((len(runs), len(features), repeats))
    for places in _packs(runs, part):
        together = [runs[place] for place in places]
        first = together[0]
        on_host = any(run.on_host for run in together)
        on_host = on_host or device_metric(first.program, metric) is None
        measure = _on_host if on_host else _on_device
        base, permuted = measure(together, features, metric, part, repeats)
        values[places] = worse * (base[:, None, None] - permuted)
    return values


def _packs(runs: Sequence[KeptRun], part: str) -> list[list[int]]:
    """The places of runs that are predicted in one call: those of one program with as many rows."""
    packs: dict[Any, list[int]] = {}
    for place, run in enumerate(runs):
        packs.setdefault((run.program, len(run.rows(part))), []).append(place)
    return [*packs.values()]


def _on_device(
    runs: Sequence[KeptRun],
    features: Sequence[FeatureColumns],
    metric: str,
    part: str,
    repeats: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The metric as it is, [S], and with shuffled features, [S, F, R], of networks of one
    program."""
    program = runs[0].program
    rows = [run.rows(part) for run in runs]
    inputs = [run.inputs(of_run) for run, of_run in zip(runs, rows, strict=True)]
    x = jax.tree.map(lambda *arrays: np.stack(arrays), *inputs)
    y = np.stack([run.targets(of_run) for run, of_run in zip(runs, rows, strict=True)])
    orders = np.stack([shuffles(run.seed, repeats, y.shape[1]) for run in runs])
    shuffled = ShuffledRows(x, y, orders)
    variables = jax.tree.map(lambda *leaves: np.stack(leaves), *(run.variables for run in runs))
    lanes = stacked([without_rows(run.lane) for run in runs])
    numbers = sum(leaf.size for leaf in jax.tree.leaves(x))
    at_once = max(1, min(AT_ONCE // numbers, len(features) * repeats))
    masks = masks_of(features, inputs[0])
    with program.precision_context():
        base, permuted = _metrics(program, metric, at_once, variables, lanes, shuffled, masks)
    return np.asarray(base, np.float64), np.asarray(permuted, np.float64)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _metrics(
    program: Program,
    metric: str,
    at_once: int,
    variables: Variables,
    lanes: Lane,
    rows: ShuffledRows,
    masks: Any,
) -> tuple[jax.Array, jax.Array]:
    measure = device_metric(program, metric)
    assert measure is not None
    repeats = rows.orders.shape[1]
    features = jax.tree.leaves(masks)[0].shape[0]

    def of_run(variables: Variables, lane: Lane, rows: ShuffledRows) -> tuple[jax.Array, jax.Array]:
        def value(x: Any) -> jax.Array:
            return measure(evaluate_examples(program, variables, lane, x, None)["scores"], rows.y)

        def shuffled(place: jax.Array) -> jax.Array:
            mask = jax.tree.map(lambda each: each[place // repeats], masks)
            order = rows.orders[place % repeats]
            moved = jax.tree.map(lambda a, m: jnp.where(m, a[order], a), rows.x, mask)
            return value(moved)

        # Several at once fill the cores; all at once would leave the caches.
        places = jnp.arange(features * repeats)
        values = jax.lax.map(shuffled, places, batch_size=at_once)
        return value(rows.x), values.reshape(features, repeats)

    return jax.vmap(of_run)(variables, lanes, rows)


def _on_host(
    runs: Sequence[KeptRun],
    features: Sequence[FeatureColumns],
    metric: str,
    part: str,
    repeats: int,
) -> tuple[np.ndarray, np.ndarray]:
    """As `_on_device`, of runs that predict on the host, or whose metric is computed there."""
    base = np.empty(len(runs))
    permuted = np.empty((len(runs), len(features), repeats))
    summary = runs[0].program.problem.summary
    assert summary is not None
    for place, run in enumerate(runs):
        rows = run.rows(part)
        x, y = run.inputs(rows), run.targets(rows)
        base[place] = summary(run.scores(x), y)[metric]
        orders = shuffles(run.seed, repeats, len(rows))
        masks = masks_of(features, x)
        for feature in range(len(features)):
            # All repeats in one prediction: a call of an estimator has a price of its own.
            mask = jax.tree.map(lambda each, f=feature: each[f], masks)
            scores = run.scores(_moved(x, mask, orders)).reshape(repeats, len(rows), -1)
            permuted[place, feature] = [summary(each, y)[metric] for each in scores]
    return base, permuted


def _moved(x: Any, mask: Any, orders: np.ndarray) -> Any:
    """Inputs with the masked columns in each of the orders, one after another, [R N, ...]."""

    def moved(array: np.ndarray, columns: np.ndarray) -> np.ndarray:
        of_orders = np.where(columns, array[orders], array)  # [R, N, ...]
        return of_orders.reshape(-1, *array.shape[1:])

    return jax.tree.map(moved, x, mask)


def device_metric(program: Program, name: str) -> Callable[[Any, Any], jax.Array] | None:
    """A metric of scores [N, K] and targets [N] as a function of JAX; None if there is none."""
    problem = program.problem
    if name in problem.whole:
        whole = problem.whole[name]
        return lambda scores, y: whole(scores, y, jnp.ones(y.shape[0], bool))
    of_loss = LOSSES.get(program.config.loss).metrics
    if name in metric_names(program) and name not in of_loss:
        return lambda scores, y: jnp.mean(problem.example_metrics(scores, y)[name])
    return None
