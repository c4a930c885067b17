"""Chains that the user writes: their canonical names, their numbers, their errors, and what they
compute."""

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings

from research import kernels
from research.errors import UserError
from research.optim import optax_transformations
from research.optim.chain import parse_chain, resolve
from research.options import REQUIRED
from research.registry import OPTIMIZERS

EXAMPLE = "chain(clip_by_global_norm(1.0), scale_by_adam(b1=0.9), add_decayed_weights(1e-4))"
USABLE = [
    name
    for name in optax_transformations._transformations()
    if optax_transformations._is_usable(name)
]
PARAMS = {"kernel": jnp.array([[1.0, -2.0], [0.5, 3.0]]), "bias": jnp.array([0.1, -0.2])}
GRADS = {"kernel": jnp.array([[0.3, 0.1], [-0.2, 0.4]]), "bias": jnp.array([2.0, -1.0])}


def two_updates(transformation):
    state = transformation.init(PARAMS)
    first, state = transformation.update(GRADS, state, PARAMS)
    second, _ = transformation.update(jax.tree.map(lambda g: 2 * g, GRADS), state, PARAMS)
    return first, second


def assert_same(ours, theirs):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), ours, theirs)


def test_the_name_holds_no_numbers():
    name, numbers = parse_chain(EXAMPLE)
    assert name == "chain(clip_by_global_norm,scale_by_adam,add_decayed_weights)"
    assert numbers == {
        "clip_by_global_norm.max_norm": 1.0,
        "scale_by_adam.b1": 0.9,
        "add_decayed_weights.weight_decay": 1e-4,
    }


def test_every_number_is_an_option_with_optax_default():
    options = {o.name: o for o in OPTIMIZERS.get(parse_chain(EXAMPLE)[0]).options}
    assert options["clip_by_global_norm.max_norm"].default is REQUIRED
    assert {k: o.default for k, o in options.items() if k.startswith("scale_by_adam")} == {
        "scale_by_adam.b1": 0.9,
        "scale_by_adam.b2": 0.999,
        "scale_by_adam.eps": 1e-8,
        "scale_by_adam.eps_root": 0.0,
    }
    assert all(o.numeric for o in options.values())


def test_numbers_written_in_a_text_become_its_defaults():
    entry = resolve("chain(clip(0.5), clip(max_delta=0.25))")
    assert entry.name == "chain(clip,clip)"
    assert {o.name: o.default for o in entry.options} == {
        "clip.max_delta": 0.5,
        "clip_2.max_delta": 0.25,
    }


def test_it_computes_what_optax_does():
    reference = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.scale_by_adam(b1=0.8, nesterov=True),
        optax.add_decayed_weights(1e-2, kernels.kernel_mask),
    )
    name, numbers = parse_chain(
        "chain(clip_by_global_norm(1), scale_by_adam(0.8, nesterov=true),"
        " add_decayed_weights(1e-2))"
    )
    assert name == "chain(clip_by_global_norm,scale_by_adam(nesterov=true),add_decayed_weights)"
    assert_same(two_updates(OPTIMIZERS.get(name).build(**numbers)), two_updates(reference))


def test_settings_stay_in_the_name_unless_they_are_the_default():
    name, numbers = parse_chain(
        "chain(trace(0.9, true), apply_every(k=2), scale_by_lion(mode=smooth), ema(0.5, true))"
    )
    assert name == "chain(trace(nesterov=true),apply_every(k=2),scale_by_lion(mode=smooth),ema)"
    assert numbers == {"trace.decay": 0.9, "ema.decay": 0.5}


def test_a_number_that_optax_branches_on_is_static():
    assert parse_chain("chain(scale_by_sm3(b1=0.5, b2=0.9))") == (
        "chain(scale_by_sm3(b2=0.9))",
        {"scale_by_sm3.b1": 0.5},
    )


def test_chains_inside_chains_are_laid_out():
    assert parse_chain("chain(clip(1), chain(clip(2), chain(identity())), clip(3))") == (
        "chain(clip,clip,identity,clip)",
        {"clip.max_delta": 1.0, "clip_2.max_delta": 2.0, "clip_3.max_delta": 3.0},
    )


@pytest.mark.parametrize(
    "name", [name for name in USABLE if optax_transformations.find(name).numbers]
)
def test_numbers_of_every_member_are_lane_values(name):
    """A lane of numbers trains as it does alone; 1e-5: vmap may sum float32 in another order."""
    entry = resolve(f"chain({name})")
    defaults = {o.name: 0.5 if o.default is REQUIRED else o.default for o in entry.options}
    lanes = {k: jnp.float32([v, v * 0.5, 0.3]) for k, v in defaults.items()}

    @jax.jit
    def run(numbers, scale):
        return two_updates(
            optax.chain(
                optax.stateless_with_tree_map(lambda g, _: g * scale), entry.build(**numbers)
            )
        )

    scales = jnp.float32([1, 1, 2])
    together = jax.jit(jax.vmap(run))(lanes, scales)
    for lane in range(3):
        alone = run({k: v[lane] for k, v in lanes.items()}, scales[lane])
        jax.tree.map(
            lambda a, b, n=lane: np.testing.assert_allclose(a[n], b, rtol=1e-5, atol=1e-6),
            together,
            alone,
        )


def test_chains_that_differ_in_numbers_share_a_program():
    traces = []

    @jax.jit
    def run(numbers):
        traces.append(1)
        return two_updates(
            OPTIMIZERS.get("chain(clip_by_global_norm,scale_by_rms)").build(**numbers)
        )

    for text in (
        "chain(clip_by_global_norm(1), scale_by_rms(0.5))",
        "chain(clip_by_global_norm(2), scale_by_rms(0.9))",
    ):
        name, numbers = parse_chain(text)
        assert name == "chain(clip_by_global_norm,scale_by_rms)"
        reference = optax.chain(
            optax.clip_by_global_norm(numbers["clip_by_global_norm.max_norm"]),
            optax.scale_by_rms(numbers["scale_by_rms.decay"]),
        )
        assert_same(run({k: jnp.float32(v) for k, v in numbers.items()}), two_updates(reference))
    assert len(traces) == 1


@st.composite
def chains(draw):
    """A chain's text and the numbers in it."""
    texts, numbers, counts = [], {}, {}
    for name in draw(st.lists(st.sampled_from(USABLE), min_size=1, max_size=4)):
        member = optax_transformations.find(name)
        counts[name] = counts.get(name, 0) + 1
        key = name if counts[name] == 1 else f"{name}_{counts[name]}"
        arguments = []
        for option in (
            draw(st.lists(st.sampled_from(member.numbers), unique=True)) if member.numbers else []
        ):
            value = draw(st.floats(0.001, 0.999))
            numbers[f"{key}.{option.name}"] = value
            arguments.append(f"{option.name}{draw(st.sampled_from(['=', ' = ']))}{value!r}")
        for option in member.settings:
            if option.type is int and draw(st.booleans()):
                arguments.append(f"{option.name}={draw(st.integers(1, 5))}")
            if option.type is bool and draw(st.booleans()):
                arguments.append(f"{option.name}={draw(st.sampled_from(['true', 'False', '1']))}")
        bare = not arguments and draw(st.booleans())
        texts.append(name if bare else f"{name}({', '.join(arguments)})")
    return f"chain({draw(st.sampled_from([',', ' , '])).join(texts)})", numbers


@settings(max_examples=60, deadline=None)
@given(chains())
def test_round_trip(case):
    text, expected = case
    name, numbers = parse_chain(text)
    assert numbers == expected
    assert parse_chain(name) == (name, {})
    entry = resolve(name)
    assert entry.name == name
    assert numbers.keys() <= {o.name for o in entry.options}
    assert len({o.name for o in entry.options}) == len(entry.options)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([*"ab()[],=.1 -_", "clip", "scale_by_adam", "chain(", "b1="])).map(
        "".join
    )
)
def test_no_text_gives_a_traceback(text):
    for whole in (text, f"chain({text}", f"chain({text})", f"chain(scale_by_adam({text}))"):
        try:
            name, _ = parse_chain(whole)
        except UserError:
            continue
        assert parse_chain(name) == (name, {})


ERRORS = {
    "chain(scale_by_adm())": "unknown member 'scale_by_adm' of a chain; did you mean scale_by_adam",
    "chain(optax.scale_by_adam())": "did you mean scale_by_adam",
    "chain(os.system(1))": "unknown member 'os.system'",
    "chain(adam(0.1))": (
        "adam cannot be a member of a chain: it brings its own learning rate, but the engine"
        " appends --learning_rate and --schedule; use scale_by_adam"
    ),
    "chain(sgd(0.1))": "brings its own learning rate",
    "chain(scale(-0.1))": "brings its own learning rate",
    "chain(scale_by_learning_rate(0.1))": "brings its own learning rate",
    "chain(scale_by_schedule(1))": "brings its own learning rate",
    "chain(scale_by_polyak())": "brings its own learning rate",
    "chain(add_noise(0.1, 0.5))": "keeps a random key of its own",
    "chain(keep_params_nonnegative())": "needs the final step",
    "chain(masked(scale_by_adam(), 1))": "its 'inner' is not a number",
    "chain(apply_if_finite(clip(1), 3))": "its 'inner' is not a number",
    "chain(add_decayed_weights(1e-4, mask=1))": (
        "'mask' of add_decayed_weights cannot be written in a chain; it can set weight_decay"
    ),
    "chain(scale_by_adam(mu_dtype=bfloat16))": (
        "'mu_dtype' of scale_by_adam cannot be written in a chain"
    ),
    "chain(scale_by_factored_rms(decay_rate_fn=sqrt))": (
        "'decay_rate_fn' of scale_by_factored_rms cannot be written"
    ),
    "chain(scale_by_adam(beta=0.9))": (
        "scale_by_adam has no 'beta'; known: b1, b2, eps, eps_root, nesterov"
    ),
    "chain(scale_by_sign(beta=0.9))": "scale_by_sign has no 'beta'; it takes no arguments",
    "chain(clip_by_global_norm(1.0, 2.0))": (
        "'2.0' is one argument too many; clip_by_global_norm takes at most max_norm"
    ),
    "chain(scale_by_sign(1))": "scale_by_sign takes no arguments",
    "chain(scale_by_adam(b1=0.9, 0.99))": "'0.99' follows a name=value",
    "chain(scale_by_adam(0.9, b1=0.99))": "scale_by_adam sets 'b1' twice",
    "chain(clip(1), clip(one))": "clip_2.max_delta=one: expected a number",
    "chain(clip(scale_by_adam()))": "clip.max_delta=scale_by_adam(): expected a number",
    "chain(clip(nan))": "clip.max_delta=nan: expected a number",
    "chain(scale_by_adam(b1=1.5))": "scale_by_adam.b1=1.5 is out of range; it must be in [0, 1)",
    "chain(clip_by_global_norm(0))": "clip_by_global_norm.max_norm=0 is out of range",
    "chain(apply_every(1.5))": "apply_every.k=1.5: expected a whole number",
    "chain(apply_every(0))": "apply_every.k=0 is out of range; it must be >= 1",
    "chain(scale_by_lbfgs(0))": "scale_by_lbfgs.memory_size=0 is out of range",
    "chain(scale_by_lion(mode=soft))": "scale_by_lion.mode=soft: allowed are hard, smooth, refined",
    "chain(scale_by_adam(nesterov=maybe))": "expected true or false",
    "chain()": "'chain()' has no members",
    "chain(chain())": "has no members",
    "chain(,)": "empty item",
    "chain(clip(1),)": "empty item",
    "chain(b1=0.9)": "'b1=0.9' is not a member of a chain",
    "chain(clip(1)": "never closes",
    "chain(clip(1)))": "never opened",
    "chain(clip(1)) and more": "not of the form",
}


@pytest.mark.parametrize("text", ERRORS)
def test_errors_say_what_is_wrong(text):
    with pytest.raises(UserError) as caught:
        OPTIMIZERS.get(text)
    assert ERRORS[text] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_number_is_an_error():
    entry = OPTIMIZERS.get("chain(clip(1), clip())")
    with pytest.raises(UserError, match="clip_2 needs a value of 'max_delta'"):
        entry.build()
    entry.build(**{"clip_2.max_delta": 1.0})


@pytest.mark.parametrize("shape", [(4, 3), (1, 3), (2, 4, 3), (2, 2, 4, 3)])
def test_members_act_on_each_units_incoming_weights(shape):
    """Kernels [..., units]: dense, of one input, of sequences' convolutions, of images'."""
    generator = np.random.default_rng(0)
    w, g = (generator.normal(size=shape) for _ in range(2))
    axes = tuple(range(len(shape) - 1))

    def update(member, path="kernel"):
        chain = OPTIMIZERS.get(parse_chain(f"chain({member})")[0]).build(
            **parse_chain(f"chain({member})")[1]
        )
        with jax.enable_x64(True):
            return chain.update(
                {path: jnp.asarray(g)}, chain.init({path: jnp.asarray(w)}), {path: jnp.asarray(w)}
            )[0][path]

    np.testing.assert_allclose(update("centralize"), g - g.mean(axes, keepdims=True), atol=1e-12)
    np.testing.assert_array_equal(update("centralize", "embedding"), g)
    bound = 0.01 * np.sqrt((w**2).sum(axes, keepdims=True))
    norm = np.sqrt((g**2).sum(axes, keepdims=True))
    assert (norm > bound).all()
    np.testing.assert_allclose(update("adaptive_grad_clip(0.01)"), g * bound / norm, rtol=1e-9)


def test_a_chain_with_another_mathematics_has_another_version():
    assert resolve("chain(centralize,scale_by_adam)").version == 2
    assert resolve("chain(scale_by_adam)").version == 1
