"""Masks: a class for each pixel of an image."""

import dataclasses

from research.data.features.feature import feature
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
