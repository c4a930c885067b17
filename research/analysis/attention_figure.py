"""The figure of attention maps: a row per layer, a column per head, tokens along the axes."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from research.data.features.feature import PADDING
from research.data.spec import DataSpec
from research.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_NAMES = 48
SIDE = 3.2  # inches of a map
SPACES = {" ": "␣", "\n": "↵"}


def axis_names(
    layer: str, shape: tuple[int, int], spec: DataSpec, x: np.ndarray
) -> tuple[list[str], list[str]]:
    """What the queries and keys of a layer's map [T, S] are called, without padding.

    Tokens are named by their symbols: in an encoder-decoder those of the source or the answer.
    Patches,
    the class token before them and steps are named by their numbers.

    Args:
        layer: the layer's name.
        shape: (T, S), the queries and keys of the map.
        spec: the facts of the data, which name the symbols.
        x: the example.
    """
    tokens = spec.inputs.tokens
    if tokens is None:
        queries, keys = ([str(index) for index in range(count)] for count in shape)
        return queries, keys
    symbols = [
        SPACES.get(tokens.vocabulary[token], tokens.vocabulary[token])
        for token in x
        if token != PADDING
    ]
    if not tokens.source or shape[0] == len(x):
        return symbols, symbols
    source, answer = symbols[: tokens.source], symbols[tokens.source :]
    if layer.startswith("encoder"):
        return source, source
    return answer, answer if layer.startswith("decoder") and "cross" not in layer else source


def attention_figure(
    title: str, maps: Mapping[str, np.ndarray], spec: DataSpec, x: np.ndarray
) -> "Figure":
    """The attention maps of one example, a panel per layer and head.

    Args:
        title: the figure's title.
        maps: by layer [heads, T, S]; each row of a map is a distribution over the keys.
        spec: the facts of the data.
        x: the example.
    """
    from research.analysis.canvas import Canvas

    heads = max(len(weights) for weights in maps.values())
    names = {
        layer: axis_names(layer, weights.shape[1:], spec, x) for layer, weights in maps.items()
    }
    heights = [0.7 + SIDE * min(len(queries) / len(keys), 1) for queries, keys in names.values()]
    figure = Canvas(0.6 + SIDE * heads, 0.6 + sum(heights))
    grid = figure.subplots(len(maps), heads, squeeze=False, height_ratios=heights)
    figure.heading(title)
    for row, (layer, weights) in zip(grid, maps.items(), strict=True):
        queries, keys = names[layer]
        for head, axis in enumerate(row):
            if head >= len(weights):
                axis.set_axis_off()
                continue
            axis.imshow(weights[head, : len(queries), : len(keys)], cmap="Blues", vmin=0, vmax=1)
            axis.set_title(f"{layer}, head {head + 1}" if len(weights) > 1 else layer, fontsize=8.5)
            axis.set_xticks(*_ticks(keys), fontsize=7)
            axis.set_yticks(*_ticks(queries), fontsize=7)
    return figure


def _ticks(names: Sequence[str]) -> tuple[list[int], list[str]]:
    """Places along an axis and their names, no more than can be read."""
    # Ceiling division: a step that never leaves more than MOST_NAMES names.
    indices = list(range(0, len(names), -(-len(names) // MOST_NAMES)))
    return indices, [names[index] for index in indices]


def write(figure: "Figure", file: str | os.PathLike[str]) -> None:
    """Writes the figure in the format that the file's name ends with. Raises UserError if it cannot
    be."""
    try:
        figure.savefig(file, dpi=150)
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror or error}") from None
    except ValueError as error:
        raise UserError(f"cannot write {file}: {' '.join(str(error).split())}") from None
