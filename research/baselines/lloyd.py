"""Lloyd's algorithm and its starts on the device, many fits at once: each is a lane.

Lanes may differ in their rows, their seed and their number of clusters. A fit ends by its own rule,
as scikit-learn's does; the loop goes on until the last one has ended.
"""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from research import rng

STREAM = "k-means"


class Lloyd(NamedTuple):
    """Fits that are over, a lane each.

    centers: [L, K, D]. members: int32 [L, N], the clusters whose means the centres are. labels:
        int32 [L, N], the nearest centre of each row. refilled: bool [L], whether the last update
        moved rows into empty clusters, so that centres are not the means of `members`.
    iterations: int32 [L].
    """

    centers: jax.Array
    members: jax.Array
    labels: jax.Array
    refilled: jax.Array
    iterations: jax.Array


def _squared_norms(x: jax.Array) -> jax.Array:
    """[..., D] -> [...]."""
    return jnp.sum(x * x, axis=-1)


def _over_lanes(x: jax.Array) -> int | None:
    """The axis of the lanes in rows x: 0 of [L, N, D]; None of [N, D], which all lanes share."""
    return 0 if x.ndim == 3 else None


def _nearest(x: jax.Array, centers: jax.Array, count: jax.Array) -> jax.Array:
    """The nearest of the first `count` centres [K, D] of each row [N, D], int32 [N]."""
    # ‖x‖² is the same for all centres, so it decides nothing.
    distances = _squared_norms(centers) - 2 * x @ centers.T  # [N, K]
    real = jnp.arange(len(centers)) < count
    return jnp.argmin(jnp.where(real, distances, jnp.inf), axis=1).astype(jnp.int32)


def _sums(x: jax.Array, labels: jax.Array, clusters: int) -> tuple[jax.Array, jax.Array]:
    """The sum [K, D] and the number [K] of the rows of each cluster."""
    # A matrix product is faster than adding rows one after another.
    member = jax.nn.one_hot(labels, clusters, dtype=x.dtype)  # [N, K]
    return member.T @ x, jnp.sum(member, axis=0)


def _refill(
    x: jax.Array,
    centers: jax.Array,
    labels: jax.Array,
    count: jax.Array,
    sums: jax.Array,
    numbers: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """The sums and numbers after the rows that are farthest from their centres, one per empty
    cluster, have moved there; scikit-learn does the same."""
    clusters = len(centers)
    empty = (numbers == 0) & (jnp.arange(clusters) < count)
    distances = _squared_norms(x - centers[labels])
    _, far = jax.lax.top_k(distances, min(clusters, len(x)))
    # The first empty cluster gets the farthest row, the second the next one.
    rank = jnp.minimum(jnp.cumsum(empty) - 1, len(far) - 1)
    row = far[jnp.maximum(rank, 0)]  # [K]
    # Where all rows lie on their centres, moving one is pointless.
    moves = empty & (jnp.max(distances) > 0)
    moved = jnp.where(moves[:, None], x[row], 0.0)
    one = moves.astype(x.dtype)
    sums = sums.at[labels[row]].add(-moved)
    numbers = numbers.at[labels[row]].add(-one)
    return jnp.where(moves[:, None], x[row], sums), jnp.where(moves, 1.0, numbers)


def _means(sums: jax.Array, numbers: jax.Array) -> jax.Array:
    """The centres [K, D]; an empty cluster has that of the largest, as in scikit-learn."""
    centers = sums / jnp.maximum(numbers, 1)[:, None]
    return jnp.where((numbers > 0)[:, None], centers, centers[jnp.argmax(numbers)])


@jax.jit
def lloyd(
    x: jax.Array, centers: jax.Array, count: jax.Array, tol: jax.Array, max_iter: jax.Array
) -> Lloyd:
    """Fits from given centres.

    Args:
        x: rows, [N, D] for all lanes or [L, N, D].
        centers: the first centres, [L, K, D].
        count: how many of the K clusters each lane has, int [L]; 0: an idle lane.
        tol: a fit ends once the squared distances that its centres move sum to no more, [L].
        max_iter: the most updates of the centres, [].
    """
    axis = _over_lanes(x)
    lanes, clusters, _ = centers.shape
    nearest = jax.vmap(_nearest, (axis, 0, 0))
    sums_of = jax.vmap(functools.partial(_sums, clusters=clusters), (axis, 0))
    refill = jax.vmap(_refill, (axis, 0, 0, 0, 0, 0))
    real = jnp.arange(clusters) < count[:, None]  # [L, K]

    def update(state: tuple[Any, ...]) -> tuple[Any, ...]:
        step, centers, members, refilled, done, strict, iterations = state
        labels = nearest(x, centers, count)
        sums, numbers = sums_of(x, labels)
        lacking = jnp.any((numbers == 0) & real, axis=1) & ~done
        # A condition and not a selection: nearly no step has an empty cluster.
        sums, numbers = jax.lax.cond(
            jnp.any(lacking),
            lambda: refill(x, centers, labels, count, sums, numbers),
            lambda: (sums, numbers),
        )
        moved = jax.vmap(_means)(sums, numbers)
        same = jnp.all(labels == members, axis=1)
        shift = jnp.sum(jnp.where(real[..., None], (moved - centers) ** 2, 0.0), axis=(1, 2))
        return (
            step + 1,
            jnp.where(done[:, None, None], centers, moved),
            jnp.where(done[:, None], members, labels),
            jnp.where(done, refilled, lacking),
            done | same | (shift <= tol),
            strict | (same & ~done),
            iterations + ~done,
        )

    def goes_on(state: tuple[Any, ...]) -> jax.Array:
        return (state[0] < max_iter) & ~jnp.all(state[4])

    nobody = jnp.full((lanes, x.shape[-2]), -1, jnp.int32)
    no = jnp.zeros(lanes, bool)
    start = (0, centers, nobody, no, count == 0, no, jnp.zeros(lanes, jnp.int32))
    _, centers, members, refilled, _, strict, iterations = jax.lax.while_loop(
        goes_on, update, start
    )
    # Rows that did not move belong to the nearest centre already.
    labels = jnp.where(strict[:, None], members, nearest(x, centers, count))
    return Lloyd(centers, members, labels, refilled, iterations)


@functools.partial(jax.jit, static_argnames="clusters")
def plus_plus(x: jax.Array, seed: jax.Array, count: jax.Array, clusters: int) -> jax.Array:
    """The start of k-means++, greedy as in scikit-learn: each next centre is the best of a few rows
    that are drawn by their squared distance to the nearest centre so far.

    Args:
        x: rows, [N, D] for all lanes or [L, N, D].
        seed: of each lane, uint32 [L].
        count: how many centres it has, int [L].
        clusters: K, the most.

    Returns:
        The centres, [L, K, D]; those beyond a lane's count are 0.
    """
    return jax.vmap(functools.partial(_plus_plus, clusters=clusters), (_over_lanes(x), 0, 0))(
        x, seed, count
    )


def _plus_plus(x: jax.Array, seed: jax.Array, count: jax.Array, clusters: int) -> jax.Array:
    rows, numbers = x.shape
    norms = _squared_norms(x)
    # As many candidates as scikit-learn draws. Places: those that a lane of more clusters has.
    candidates = 2 + jnp.log(count.astype(x.dtype)).astype(int)
    places = jnp.arange(2 + int(math.log(clusters)))

    def distances(chosen: jax.Array) -> jax.Array:
        """Of every row to the chosen ones, [T, N]."""
        squared = norms[chosen][:, None] + norms - 2 * x[chosen] @ x.T
        return jnp.maximum(squared, 0.0)

    def draw(step: jax.Array) -> jax.Array:
        """A number in [0, 1) per candidate; each has a key of its own, whatever their number."""
        keys = jax.vmap(functools.partial(jax.random.fold_in, rng.at(seed, STREAM, step)))(places)
        return jax.vmap(functools.partial(jax.random.uniform, dtype=x.dtype))(keys)

    first = jnp.minimum((draw(jnp.uint32(0))[0] * rows).astype(int), rows - 1)
    closest = distances(first[None])[0]

    def add(place: jax.Array, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        centers, closest = state
        cumulated = jnp.cumsum(closest)
        drawn = jnp.searchsorted(cumulated, draw(place) * cumulated[-1])
        drawn = jnp.minimum(drawn, rows - 1)
        nearer = jnp.minimum(closest, distances(drawn))  # [T, N]
        potential = jnp.where(places < candidates, jnp.sum(nearer, axis=1), jnp.inf)
        best = jnp.argmin(potential)
        return centers.at[place].set(x[drawn[best]]), nearer[best]

    start = jnp.zeros((clusters, numbers), x.dtype).at[0].set(x[first])
    centers, _ = jax.lax.fori_loop(1, clusters, add, (start, closest))
    return jnp.where((jnp.arange(clusters) < count)[:, None], centers, 0.0)


@functools.partial(jax.jit, static_argnames="clusters")
def random_rows(x: jax.Array, seed: jax.Array, count: jax.Array, clusters: int) -> jax.Array:
    """Different rows as first centres, as `plus_plus` returns them.

    Args:
        x: rows, [N, D] for all lanes or [L, N, D].
        seed: of each lane, uint32 [L].
        count: how many centres it has, int [L].
        clusters: K, the most.
    """

    def of_lane(x: jax.Array, seed: jax.Array, count: jax.Array) -> jax.Array:
        order = jax.random.permutation(rng.stream(seed, STREAM), len(x))[:clusters]
        return jnp.where((jnp.arange(clusters) < count)[:, None], x[order], 0.0)

    return jax.vmap(of_lane, (_over_lanes(x), 0, 0))(x, seed, count)
