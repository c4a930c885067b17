"""One image file: what is refused, what is turned upright, what lies under transparency, and its
pixels."""

import contextlib
import dataclasses
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

Background = Literal["white", "black"]

_GREY = {"1", "L", "LA", "La"}
_PRINTED = {"CMYK", "LAB", "HSV"}
# EXIF's tag; from 5 on height and width change places.
_ORIENTATION = 0x0112
_BITS_PER_SAMPLE = 258  # TIFF's tag
# Their first image is the picture; the others are its preview or its depth map (MPO), or its layers
# (PSD).
_PICTURE_FIRST = {"MPO", "PSD"}


class Flaw(Exception):
    """Why an image is refused, as a predicate: who catches it knows which image it is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Header:
    """What is known of an image before its pixels are decoded; size: (height, width), as it is
    upright. printed: its colours are those of inks, or of another space than the screen's."""

    grey: bool
    size: tuple[int, int]
    transparent: bool
    printed: bool


def header(source: Path | IO[bytes]) -> Header:
    """Raises Flaw."""
    with opened(source) as image:
        size = (
            (image.width, image.height) if _orientation(image) >= 5 else (image.height, image.width)
        )
        printed = image.mode in _PRINTED
        return Header(image.mode in _GREY, size, image.has_transparency_data, printed)


def pixels(image: "ImageFile", mode: str, background: Background = "white") -> "Image":
    """The image, upright and in another mode.

    Args:
        image: an open image; its EXIF orientation says how to turn it.
        mode: Pillow's mode. One without alpha shows the background where the image is transparent.
        background: a colour by name.
    """
    from PIL import Image, ImageOps

    upright: Image.Image = ImageOps.exif_transpose(image) if _orientation(image) > 1 else image
    if upright.has_transparency_data and not mode.endswith("A"):
        ground = Image.new("RGBA", upright.size, background)
        upright = Image.alpha_composite(ground, upright.convert("RGBA"))
    return upright if upright.mode == mode else upright.convert(mode)


@contextlib.contextmanager
def opened(source: Path | IO[bytes]) -> Iterator["ImageFile"]:
    """The image of a file. Raises Flaw if it does not decode, is animated, or has more than 8 bits
    per channel."""
    from PIL import Image

    try:
        with Image.open(source) as image:
            frames = getattr(image, "n_frames", 1)
            if frames > 1 and image.format not in _PICTURE_FIRST:
                raise Flaw(
                    f"has {frames} frames ({image.format}); expected one, so save the frame that"
                    " you want"
                )
            if (bits := _bits(image)) > 8:
                raise Flaw(
                    f"has {bits} bits per channel (mode {image.mode}); expected 8, so save it"
                    " with 8"
                )
            yield image
    except Image.UnidentifiedImageError:
        raise Flaw(
            "does not decode as an image (no known format); save it as PNG or JPEG, or remove it"
        ) from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Flaw(f"does not decode as an image ({error}); repair it or remove it") from None


def has_image_name(path: Path) -> bool:
    """Whether a file's name ends as those of images do."""
    from PIL import Image

    return path.suffix.lower() in Image.registered_extensions()


def array(image: "Image") -> np.ndarray:
    """uint8 [H, W, C]."""
    values = np.asarray(image, np.uint8)
    return values if values.ndim == 3 else values[..., None]


def _orientation(image: "ImageFile") -> int:
    """EXIF's orientation, 1 to 8; 1 is upright."""
    from PIL import Image

    if image.format == "TIFF":  # Pillow turns these itself
        return 1
    if image.format == "PNG" and "exif" not in image.info and _has_late_exif(image.fp):
        image.load()
    try:
        # Not PngImageFile's, which decodes the pixels lest EXIF comes after them.
        orientation = Image.Image.getexif(image).get(_ORIENTATION, 1)
    except (
        SyntaxError,
        ValueError,
        LookupError,
        TypeError,
        struct.error,
    ):
        # The EXIF block is damaged, and the pixels may be sound.
        return 1
    return orientation if orientation in range(1, 9) else 1


def _has_late_exif(file: IO[bytes] | None) -> bool:
    """Whether a PNG file has a chunk of EXIF after its pixels. Leaves the file where it was."""
    # The file is closed: the pixels are decoded and all chunks read.
    if file is None:
        return False
    before = file.tell()
    late = False
    # After the signature, chunks: length, type, content, checksum.
    file.seek(8)
    while len(start := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", start)
        late = kind == b"eXIf"
        if late or kind == b"IEND":
            break
        file.seek(length + 4, 1)
    file.seek(before)
    return late


def _bits(image: "ImageFile") -> int:
    """The bits of a channel in the file. Pillow reads the upper 8 bits of many deep images and says
    nothing."""
    if image.mode.startswith("I;16"):
        return 16
    if image.mode in ("I", "F"):
        return 16 if image.format == "PPM" and image.mode == "I" else 32
    if (tags := getattr(image, "tag_v2", None)) is not None:
        return max(tags.get(_BITS_PER_SAMPLE, (8,)))
    if image.format == "JPEG2000":
        return _jpeg2000_bits(image.fp)
    arguments: Any = image.tile[0].args if image.tile else ()
    for argument in arguments if isinstance(arguments, tuple) else (arguments,):
        if isinstance(argument, str) and ";16" in argument and image.format in ("PNG", "SGI"):
            return 16
        if isinstance(argument, int) and image.format == "PPM":
            return argument.bit_length()
    return 8


def _jpeg2000_bits(file: IO[bytes] | None) -> int:
    """As the codestream's SIZ segment says of the first channel. Leaves the file where it was."""
    if file is None:
        return 8
    before = file.tell()
    file.seek(0)
    _, marker, segment = file.read(1 << 16).partition(b"\xff\x4f\xff\x51")
    file.seek(before)
    return (segment[38] & 0x7F) + 1 if marker and len(segment) > 38 else 8
