"""Attention maps: their rows sum to 1 over what is named along the axes, for each network that has
attention."""

import numpy as np
import pytest

from research.analysis.attention_figure import attention_figure, axis_names
from research.data.spec import Arrays
from research.errors import UserError
from research.training.apply.attention_maps import attention_maps
from tests.support.engine import InMemorySource, lane
from tests.support.engine import run as image_run
from tests.support.engine import start as image_start
from tests.support.sequences import CONTEXT, PADDED, SYMBOLS, run, spec, start, tiny

X = np.array([1, 2, 4, 0, 3, 3], np.int32)
PAIRS = InMemorySource(
    spec("sequence_to_sequence", 40, source=2),
    Arrays(np.tile(X, (40, 1)), np.tile(X, (40, 1)), np.zeros(0, np.int32)),
)
NAMES = [SYMBOLS[token] for token in X]
SOURCE, ANSWER = NAMES[:2], NAMES[2:]
# Of each network at its tiny setting: its layers, and what the queries and the keys of each are
# called.
EXPECTED = {
    "gpt": {"Block_0": (NAMES, NAMES), "Block_1": (NAMES, NAMES)},
    "transformer_encoder": {"Block_0": (NAMES, NAMES), "Block_1": (NAMES, NAMES)},
    "transformer": {
        "encoder_0": (SOURCE, SOURCE),
        "decoder_0": (ANSWER, ANSWER),
        "decoder_0/cross_attention": (ANSWER, SOURCE),
    },
    "seq2seq": {"attention": (ANSWER, SOURCE)},
    "vit": {name: ([str(place) for place in range(37)],) * 2 for name in ("Block_0", "Block_1")},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_rows_sum_to_one(name: str) -> None:
    """Attention weights add up to 1 over the keys, within float32 rounding."""
    if name == "vit":
        own = image_run(**{key.replace(".", "__"): value for key, value in tiny(name).items()})
        chunk, x = image_start([own], 1), np.zeros((6, 6, 1), np.uint8)
    else:
        # The encoder sees all of a sequence, so that it can be asked for no answer that stands
        # there.
        source = (
            InMemorySource(spec("step_classification", 40), PAIRS.data)
            if name == "transformer_encoder"
            else PAIRS
        )
        own = run(source, **tiny(name))
        chunk, x = start([own], 1, source), X
    maps = attention_maps(own.program, lane(chunk.lanes, 0), lane(chunk.state.variables, 0), x)
    assert set(maps) == set(EXPECTED[name])
    for layer, weights in maps.items():
        queries, keys = axis_names(layer, weights.shape[1:], own.program.spec, x)
        assert (queries, keys) == EXPECTED[name][layer]
        assert weights.shape == (1 if name == "seq2seq" else 2, len(queries), len(keys))
        np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)


def test_the_figure_names_its_axes_and_leaves_padding_out() -> None:
    x = np.array([1, 2, 4, -1, -1, -1], np.int32)
    weights = np.zeros((2, CONTEXT, CONTEXT))
    weights[:, :, 0] = 1
    figure = attention_figure("a title", {"Block_0": weights}, PADDED.spec, x[:CONTEXT])
    first, _ = figure.axes
    assert [label.get_text() for label in first.get_xticklabels()] == ["b", "c", "e"]
    assert [label.get_text() for label in first.get_yticklabels()] == ["b", "c", "e"]
    np.testing.assert_array_equal(first.images[0].get_array(), [[1, 0, 0]] * 3)


def test_a_network_without_attention_says_so() -> None:
    own = run(arch="gru", arch__hidden=3)
    chunk = start([own], 1)
    with pytest.raises(UserError, match="arch=gru has no attention"):
        attention_maps(
            own.program, lane(chunk.lanes, 0), lane(chunk.state.variables, 0), np.asarray(X)
        )
