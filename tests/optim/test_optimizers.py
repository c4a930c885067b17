"""Every optimizer of the registry: against optax's own, as lanes of one program, and compiled
once."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research import kernels
from research.registry import OPTIMIZERS, load_package

load_package("research.optim")

RATE = 0.05
SHAPES = {
    "Conv_0": {"kernel": (2, 2, 2, 3), "bias": (3,)},
    "Dense_0": {"kernel": (4, 3), "bias": (3,)},
    "LayerNorm_0": {"scale": (3,)},
}


def tree(seed, dtype=np.float32):
    generator = np.random.default_rng(seed)
    return jax.tree.map(
        lambda s: generator.normal(size=s).astype(dtype), SHAPES, is_leaf=lambda s: type(s) is tuple
    )


def gradient(params):
    return jax.tree.map(lambda p: jnp.sin(3 * p) + 0.1, params)


def trajectory(chain, steps=10):
    """The parameters after each of the first steps, in float64."""
    params = tree(0, np.float64)
    state, seen, update = chain.init(params), [], jax.jit(chain.update)
    for _ in range(steps):
        updates, state = update(gradient(params), state, params)
        params = optax.apply_updates(params, updates)
        seen.append(params)
    return seen


def descend(transformation):
    return optax.chain(transformation, optax.scale(-RATE))


def is_wide(params):
    return jax.tree.map(lambda p: p.ndim > 1, params)


# Optax adapts biases and scales too; the authors give them Adam's update.
LAMB = optax.partition(
    {True: optax.lamb(RATE, weight_decay=0.1), False: optax.adam(RATE, eps=1e-6)},
    is_wide,
)


REFERENCES = {
    "sgd": ({"momentum": 0.9}, optax.sgd(RATE, momentum=0.9)),
    "sgd nesterov": (
        {"momentum": 0.9, "nesterov": True},
        optax.sgd(RATE, momentum=0.9, nesterov=True),
    ),
    "sgd average": ({"momentum": 0.9, "style": "average"}, descend(optax.ema(0.9, debias=False))),
    "adagrad": ({}, optax.adagrad(RATE)),
    "rmsprop": ({"momentum": 0.5}, optax.rmsprop(RATE, momentum=0.5)),
    "adadelta": ({}, optax.adadelta(RATE)),
    "adam": ({"b1": 0.8}, optax.adam(RATE, b1=0.8)),
    "adamw": ({"weight_decay": 0.1}, optax.adamw(RATE, weight_decay=0.1, mask=kernels.kernel_mask)),
    "adamax": ({}, optax.adamax(RATE)),
    "nadam": ({}, optax.nadam(RATE)),
    "radam": ({"b2": 0.9}, optax.radam(RATE, b2=0.9)),
    "amsgrad": ({}, optax.amsgrad(RATE)),
    "adabelief": ({}, optax.adabelief(RATE)),
    "lion": ({}, optax.lion(RATE, weight_decay=0.0)),
    "lamb": ({"weight_decay": 0.1}, LAMB),
    "adafactor": ({"min_dim_size_to_factor": 3}, optax.adafactor(RATE, min_dim_size_to_factor=3)),
    "sam": ({"momentum": 0.9}, optax.sgd(RATE, momentum=0.9)),
}


@pytest.mark.parametrize("case", REFERENCES)
def test_agrees_with_optax(case):
    """Each step is optax's; 1e-9: float64 rounding, as the order of operations may differ."""
    options, reference = REFERENCES[case]
    with jax.enable_x64(True):
        ours = trajectory(descend(OPTIMIZERS.get(case.split()[0]).build(**options)))
        for mine, theirs in zip(ours, trajectory(reference), strict=True):
            jax.tree.map(
                lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9), mine, theirs
            )


def test_muon_agrees_with_optax_on_matrices_and_with_adam_elsewhere():
    """Matrices take muon's steps, all else Adam's; 1e-9: float64 rounding through its matrix
    products."""
    with jax.enable_x64(True):
        ours = trajectory(descend(OPTIMIZERS.get("muon").build()))
        muon, adam = trajectory(optax.contrib.muon(RATE)), trajectory(optax.adam(RATE))
        for mine, matrices, others in zip(ours, muon, adam, strict=True):
            np.testing.assert_allclose(
                mine["Dense_0"]["kernel"], matrices["Dense_0"]["kernel"], rtol=1e-9
            )
            np.testing.assert_allclose(
                mine["Dense_0"]["bias"], others["Dense_0"]["bias"], rtol=1e-9
            )
            np.testing.assert_allclose(
                mine["LayerNorm_0"]["scale"], others["LayerNorm_0"]["scale"], rtol=1e-9
            )


def test_sam_agrees_with_optax():
    """Ten steps of our two gradients are optax's opaque mode; 1e-9: float64 rounding."""
    entry, rho = OPTIMIZERS.get("sam"), 0.1
    adversary = optax.chain(optax.contrib.normalize(), optax.sgd(rho))
    reference = optax.contrib.sam(optax.sgd(RATE), adversary, opaque_mode=True)
    with jax.enable_x64(True):
        chain = descend(entry.build(rho=rho))
        ours = theirs = tree(0, np.float64)
        state, their_state = chain.init(ours), reference.init(theirs)
        for _ in range(10):
            grads = gradient(entry.perturb(ours, gradient(ours), rho=rho, momentum=0.0))
            updates, state = chain.update(grads, state, ours)
            ours = optax.apply_updates(ours, updates)
            updates, their_state = reference.update(
                gradient(theirs), their_state, theirs, grad_fn=lambda params, _: gradient(params)
            )
            theirs = optax.apply_updates(theirs, updates)
            jax.tree.map(
                lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9), ours, theirs
            )


def another_value(option):
    """A value of a numeric option that is in its range and not the default."""
    values = (option.default / 2, option.default * 2, 0.3)
    return next(
        v for v in values if v != option.default and (option.range is None or v in option.range)
    )


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_lanes_are_what_they_are_alone_and_numbers_recompile_nothing(name):
    """Lane 0 has every number at its default; each of the others has another value of one
    number."""
    entry = OPTIMIZERS.get(name)
    numeric = [o for o in entry.options if o.numeric]
    static = {k: v for k, v in entry.test_options.items() if not entry.option(k).numeric}
    traces = []

    def train(numbers):
        """Eight steps; a scan, so that the state must keep its shapes and types."""
        traces.append(name)
        chain = entry.build(**numbers, **static)

        def step(carry, _):
            params, state = carry
            grads = gradient(params)
            if entry.perturb is not None:
                grads = gradient(entry.perturb(params, grads, **numbers))
            updates, state = chain.update(grads, state, params)
            return (optax.apply_updates(params, optax.tree.scale(-RATE, updates)), state), None

        params = jax.tree.map(jnp.asarray, tree(0))
        (params, _), _ = jax.lax.scan(step, (params, chain.init(params)), None, length=8)
        return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(params)])

    lanes = {o.name: np.float32([o.default] * (len(numeric) + 1)) for o in numeric}
    for lane, option in enumerate(numeric, start=1):
        lanes[option.name][lane] = another_value(option)
    together, alone = jax.jit(jax.vmap(train))(lanes), jax.jit(train)
    for lane in range(len(numeric) + 1):
        own = np.asarray(alone({k: v[lane] for k, v in lanes.items()}))
        assert np.linalg.norm(together[lane] - own) <= 1e-5 * np.linalg.norm(
            own
        )  # law 2's rounding
        assert np.isfinite(together[lane]).all()
    for lane, option in enumerate(numeric, start=1):
        if option.name != "eps":
            assert np.abs(together[lane] - together[0]).max() > 1e-4, (
                f"{option.name} changes nothing"
            )
    assert len(traces) == 2  # once as lanes, once alone


def test_entries_are_documented():
    for entry in OPTIMIZERS:
        assert entry.summary
        assert entry.paper
        assert all(option.help for option in entry.options)
