"""Generation: the likeliest symbols are those of a loop by hand, draws are of the seed and follow the model."""

import jax
import jax.numpy as jnp
import numpy as np
from engine import lane
from sequences import CONTEXT, SYMBOLS, run, start

from research.training import program as program_lib
from research.training.generation import generate

OWN = run()
CHUNK = start([OWN], 1)
LANE = lane(CHUNK.lanes, 0)
VARIABLES = jax.tree.map(lambda leaf: leaf[0] * 8, CHUNK.state.variables)  # far from uniform


def logits(tokens: np.ndarray) -> np.ndarray:
    return np.asarray(program_lib.predict(OWN.program, VARIABLES, LANE, jnp.asarray(tokens[None])))[0, -1]


def made(prompt: list[int], count: int, temperature: float, seed: int = 0) -> np.ndarray:
    tokens = np.array(prompt, np.int32)
    return generate(OWN.program, LANE, VARIABLES, tokens, count=count, temperature=temperature, seed=seed)


def test_the_likeliest_by_hand() -> None:
    """From a short and a long prompt; the model sees no more than its context."""
    for prompt in ([3], [0, 1, 2, 3, 4, 0, 2, 2, 1]):
        text = list(prompt)
        for _ in range(10):
            text.append(int(logits(np.array(text[-CONTEXT:], np.int32)).argmax()))
        np.testing.assert_array_equal(made(prompt, 10, 0.0), text[len(prompt) :])


def test_draws_are_of_the_seed_and_of_the_models_distribution() -> None:
    np.testing.assert_array_equal(made([1], 20, 1.0, seed=3), made([1], 20, 1.0, seed=3))
    assert (made([1], 20, 1.0, seed=3) != made([1], 20, 1.0, seed=4)).any()
    np.testing.assert_array_equal(made([1], 20, 1.0, seed=3)[:5], made([1], 5, 1.0, seed=3))
    for temperature in (1.0, 2.5):
        drawn = [int(made([2, 4], 1, temperature, seed=seed)[0]) for seed in range(1500)]
        expected = np.asarray(jax.nn.softmax(logits(np.array([2, 4], np.int32)) / temperature))
        found = np.bincount(drawn, minlength=len(SYMBOLS)) / len(drawn)
        assert (abs(found - expected) < 5 * np.sqrt(expected * (1 - expected) / len(drawn)) + 1e-3).all()
