"""Greedy answers: each token is the likeliest after the network's own, whether it has a decoder or not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine import Memory, lane
from sequences import CONTEXT, run, spec, start, tiny

from research.data.spec import Arrays
from research.training import network
from research.training.answers import answered


@pytest.mark.parametrize("name", ["seq2seq", "gru"])
def test_an_answer_is_the_likeliest_after_itself(name: str) -> None:
    tokens = np.random.default_rng(0).integers(0, 5, (40, CONTEXT), np.int32)
    tokens[:, 2] = 4  # the source's end
    source = Memory(spec("sequence_to_sequence", 40, source=2), Arrays(tokens, tokens, np.zeros(0, np.int32)))
    own = run(source, **tiny(name))
    chunk = start([own], 1, source)
    held = lane(chunk.lanes, 0)
    variables = jax.tree.map(lambda leaf: 5 * leaf[0], chunk.state.variables)
    said = answered(own.program, held, variables, tokens[:9])
    full = np.concatenate([tokens[:9, :3], said[:, :-1]], axis=1)
    logits = jax.jit(lambda x: network.predict(own.program, variables, held, x))(jnp.asarray(full))
    assert said.shape == (9, CONTEXT - 2)
    assert len(np.unique(said, axis=0)) > 1
    np.testing.assert_array_equal(said, logits[:, 2:].argmax(-1))
