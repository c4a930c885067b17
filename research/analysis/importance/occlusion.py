"""Occlusion: how much the probability of the predicted class falls if a patch of an image is
covered.

Reference: Zeiler & Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014.
"""

import itertools

import numpy as np

from research.analysis.importance.kept_run import KeptRun

# A patch has this share of each side.
SHARE = 4


def occlusion(run: KeptRun, x: np.ndarray, cover: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The fall of the prediction for each pixel: the mean over the patches that cover it.

    Args:
        run: the run.
        x: raw images [N, H, W, C].
        cover: what a patch is covered with, [C].
        classes: the output that is explained of each image, int [N].

    Returns:
        The falls, [N, H, W].
    """
    height, width = x.shape[1:3]
    size = [max(1, side // SHARE) for side in (height, width)]
    starts = [_starts(side, patch) for side, patch in zip((height, width), size, strict=True)]
    places = np.arange(len(x))
    base = run.predictions(x)[places, classes]
    total = np.zeros(x.shape[:3])
    covered = np.zeros((height, width))
    for top, left in itertools.product(*starts):
        patch = (slice(top, top + size[0]), slice(left, left + size[1]))
        hidden = np.array(x)
        hidden[:, *patch] = cover
        fall = base - run.predictions(hidden)[places, classes]
        total[:, *patch] += fall[:, None, None]
        covered[patch] += 1
    return total / covered


def _starts(side: int, patch: int) -> list[int]:
    """Where patches begin: half of a patch apart, and at the end of the side."""
    return sorted({*range(0, side - patch + 1, max(1, patch // 2)), side - patch})
