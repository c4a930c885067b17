"""Masks: a class for each pixel of an image."""

import dataclasses
from collections.abc import Callable
from typing import Any

from research.data.features.feature import PADDING, feature
from research.data.features.label import Label


@feature
@dataclasses.dataclass(frozen=True)
class Mask(Label):
    """A class for each pixel, int32 [N, H, W], PADDING where a pixel is not counted.

    Example:
        >>> Mask((8, 8), names=('sky', 'road')).describe()
        'classes of pixels [8, 8]'
    """

    kind = "mask"
    counted = "classes of pixels"
    place = "pixel"

    def moved(self, y: Any, move: Callable[[Any], Any]) -> Any:
        """The masks moved as their images are; what comes in from outside is not counted.

        Args:
            y: masks, int32 [B, H, W].
            move: the same change of pixels [B, H, W, 1], with 0 for what comes in from outside.
        """
        # Shifted so that PADDING is the 0 that comes in.
        return move(y[..., None] - PADDING)[..., 0] + PADDING
