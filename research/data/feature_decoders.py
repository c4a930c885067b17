"""Decoders of TFDS features: how an input becomes an array, and what a target may be."""

import dataclasses
import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from research.data import images
from research.data.narrowed import is_wide
from research.errors import UserError

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


@dataclasses.dataclass(frozen=True)
class FeatureDecoder:
    """How the values of one feature become arrays of one shape.

    decode: value -> array. A category is stored as its index, -1 where there is none.
    columns: names of the stored columns of a table, () of anything else.
    categories: per stored column the names of its categories, () of a number.
    rounded: columns that are declared float64 and stored as float32.
    """

    decode: Callable[[Any], np.ndarray]
    columns: tuple[str, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()
    rounded: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[int, ...]:
        """Per stored column its number of categories, as OneHot has them; () without any."""
        kinds = tuple(len(names) for names in self.categories)
        return kinds if any(kinds) else ()

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that a network sees: one per category, `colour=red`."""
        if not self.categories:
            return self.columns
        features: list[str] = []
        for column, names in zip(self.columns, self.categories, strict=True):
            features += [f"{column}={name}" for name in names] or [column]
        return tuple(features)


def input_decoder(feature: Any, name: str, directory: Path, met: set[str]) -> FeatureDecoder:
    """The decoder of the input `name`.

    Args:
        feature: the TFDS feature.
        name: of the input, for errors and for columns without names.
        directory: of the prepared set, for errors.
        met: receives the file formats of the images, and `alpha` if some have it and lose it.

    Raises:
        UserError: if the feature is no image of bytes, tensor of numbers, or set of columns.
    """
    from tensorflow_datasets import features as kinds

    if (
        isinstance(feature, kinds.Image)
        and feature.np_dtype == np.uint8
        and feature.shape[-1] in _MODES
    ):
        mode = _MODES[feature.shape[-1]]
        return FeatureDecoder(functools.partial(_image, mode=mode, met=met))
    if isinstance(feature, kinds.FeaturesDict):
        return _table(feature, directory)
    numbers = isinstance(feature, kinds.Tensor) and np.issubdtype(feature.np_dtype, np.number)
    if numbers and feature.shape:
        return _tensor(feature, name)
    raise UserError(
        f"{directory}: its input '{name}' is {described(feature)}; expected an image of bytes, a"
        " tensor of numbers, or columns"
    )


def check_target(feature: Any, name: str, directory: Path) -> None:
    """Refuses a target that is neither a class nor equally many numbers in each example.

    Args:
        feature: the TFDS feature of the target.
        name: the feature's name.
        directory: the prepared set, for messages.

    Raises:
        UserError: the target is of another kind.
    """
    from tensorflow_datasets import features as kinds

    if (
        isinstance(feature, kinds.Tensor)
        and np.dtype(feature.np_dtype).kind in "biuf"
        and None not in feature.shape
    ):
        return
    raise UserError(
        f"{directory}: its target '{name}' is {described(feature)}; expected a ClassLabel or a"
        " number in each example"
    )


def classes_of(feature: Any, dtype: np.dtype) -> tuple[str, ...]:
    """The names of the target's classes, () if it is a number.

    Args:
        feature: the TFDS feature of the target.
        dtype: of the targets.
    """
    from tensorflow_datasets import features as kinds

    if isinstance(feature, kinds.ClassLabel):
        return tuple(feature.names)
    return ("false", "true") if dtype == np.bool_ else ()


def is_rounded(feature: Any) -> bool:
    """Whether TFDS wrote a float64 as float32, the only float of its Example protocol buffers."""
    if feature.np_dtype != np.float64:
        return False
    return getattr(feature.to_json_content(), "encoding", "") in ("", "none")


def described(feature: Any) -> str:
    """A feature in a line."""
    return " ".join(str(feature).split())


def _image(encoded: bytes, *, mode: str, met: set[str]) -> np.ndarray:
    """uint8 [H, W, C], always by Pillow: TFDS prefers OpenCV, whose JPEG bits differ."""
    with images.opened(io.BytesIO(encoded)) as image:
        met.add(str(image.format))
        if mode != "RGBA" and image.has_transparency_data:
            met.add("alpha")
        return images.array(images.pixels(image, mode))


def _tensor(feature: Any, name: str) -> FeatureDecoder:
    shape = feature.shape
    if feature.np_dtype == np.uint8 and len(shape) == 3:
        return FeatureDecoder(np.asarray)
    columns: tuple[str, ...] = ()
    if len(shape) == 1 and shape[0]:
        columns = tuple(f"{name}_{column}" for column in range(shape[0]))
    # Tables keep float64 until their origin is subtracted; images would only double in size.
    dtype = np.float64 if len(shape) < 3 and is_wide(feature.np_dtype) else np.float32
    rounded = (name,) if is_rounded(feature) else ()
    return FeatureDecoder(lambda value: np.asarray(value, dtype), columns, rounded=rounded)


def _table(feature: Any, directory: Path) -> FeatureDecoder:
    """The columns in the order of their names, since a features.json has no order."""
    names = tuple(sorted(feature))
    columns = [_column(name, feature[name], directory) for name in names]
    categories = tuple(categories for _, categories in columns)
    numbers = [name for name, known in zip(names, categories, strict=True) if not known]
    wide = any(is_wide(feature[name].np_dtype) for name in numbers)
    dtype = np.float64 if wide else np.float32

    def decode(value: Any) -> np.ndarray:
        row = [encode(value[name]) for name, (encode, _) in zip(names, columns, strict=True)]
        return np.array(row, dtype)

    rounded = tuple(name for name in names if is_rounded(feature[name]))
    return FeatureDecoder(decode, names, categories, rounded)


def _column(
    name: str, feature: Any, directory: Path
) -> tuple[Callable[[Any], Any], tuple[str, ...]]:
    """How a cell becomes the number that is stored, and the names of its categories."""
    from tensorflow_datasets import features as kinds

    if isinstance(feature, kinds.ClassLabel):
        return lambda value: value, tuple(feature.names)
    is_number = (
        isinstance(feature, kinds.Tensor)
        and feature.shape == ()
        and np.dtype(feature.np_dtype).kind in "biuf"
    )
    if is_number:
        return lambda value: value, ()
    raise UserError(
        f"{directory}: its column '{name}' is {described(feature)}; expected a number or a category"
    )
