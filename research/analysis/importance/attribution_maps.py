"""Attribution maps: images, and beside each what its pixels add to the prediction."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from research.analysis.figure_style import shortened
from research.analysis.importance import gradients
from research.analysis.importance.kept_run import KeptRun
from research.analysis.mistakes import pictures
from research.data.features.image import Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_IMAGES = 12
# Images side by side, each with its map.
WIDE = 3
LONGEST = 20

# (run, raw images [N, H, W, C], the explained output of each [N]) -> [N, H, W, C].
Attribute = Callable[[KeptRun, np.ndarray, np.ndarray], np.ndarray]


def figure(
    title: str, run: KeptRun, rows: np.ndarray, quantity: str, attribute: Attribute
) -> "Figure":
    """Images with their maps, each map in its own range: red adds, blue takes away. Maps of sizes
    alone, as of gradients, go from dark to bright.

    Args:
        title: what the run is called.
        run: the run.
        rows: of the images, [N].
        quantity: what the maps show.
        attribute: computes them.
    """
    from research.analysis.canvas import Canvas

    x = np.asarray(run.inputs(rows), np.float64)
    classes = gradients.explained_classes(run, x)
    maps = attribute(run, x, classes).sum(axis=-1)
    high = -(-len(rows) // WIDE)
    canvas = Canvas(3.4 * WIDE, 1.95 * high + 0.7)
    canvas.heading(f"{title}: {quantity}")
    axes = canvas.subplots(high, 2 * WIDE, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    shown = pictures(x, run.raw.as_a(Image).maximum)
    named = _names(run, rows, classes)
    signed = maps.min() < 0
    for place, (picture, values) in enumerate(zip(shown, maps, strict=True)):
        left, right = axes[2 * place : 2 * place + 2]
        left.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        left.set_title(named[place], fontsize=7)
        most = np.abs(values).max() or 1.0
        right.imshow(
            values,
            cmap="RdBu_r" if signed else "inferno",
            vmin=-most if signed else 0,
            vmax=most,
            interpolation="nearest",
        )
    return canvas


def _names(run: KeptRun, rows: np.ndarray, classes: np.ndarray) -> list[str]:
    """What is written over each image: its class and what it is taken for."""
    names = run.spec.targets.classes
    y = run.targets(rows)
    if not names:
        return [f"row {row}: {value:.4g}" for row, value in zip(rows, y, strict=True)]
    texts = []
    for true, taken in zip(y, classes, strict=True):
        text = shortened(names[true], LONGEST)
        texts.append(text if true == taken else f"{text}, taken for {names[taken]}")
    return texts
