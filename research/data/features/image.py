"""Images of one size."""

import dataclasses

from research.data.features.feature import feature
from research.data.features.numbers import Numbers


@feature
@dataclasses.dataclass(frozen=True)
class Image(Numbers):
    """Pixels [N, H, W, C], scaled per channel.

    Example:
        >>> Image((8, 8, 1)).describe()
        'images [8, 8, 1]'
    """

    kind = "image"
    counted = "images"
