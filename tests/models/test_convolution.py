"""Convolutions: PyTorch's outputs with its weights, SciPy's cross-correlation, and transposed
convolutions."""

import flax.linen as nn
import numpy as np
import pytest
import torch
from scipy.signal import correlate2d

import research.catalogue  # noqa: F401
from research.models.layers.convolution import Conv, Padding
from tests.models.torch_weights import (
    channels_first,
    channels_last,
    convolution,
    normal,
    transposed_convolution,
)

B, H, W, C, FEATURES = 2, 9, 10, 3, 4


def same(length: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """The zeros (before, after) that leave ceil(length / stride) places; the odd one comes
    after."""
    reach = dilation * (kernel - 1) + 1
    total = max((-(-length // stride) - 1) * stride + reach - length, 0)
    return total // 2, total - total // 2


@pytest.mark.parametrize(
    ("padding", "size"),
    [
        *((padding, (H, W)) for padding in ("SAME", "VALID", 2, None)),
        *((padding, (2, 3)) for padding in ("SAME", 2)),
    ],
)
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 1, 1), (3, 2, 2), (4, 3, 1)])
def test_a_convolution_is_pytorchs(
    kernel: int, stride: int, dilation: int, padding: Padding | None, size: tuple[int, int]
) -> None:
    """On images larger than the filter, and smaller. PyTorch has no `same` at a stride: the zeros
    are put by hand.

    None pads by half the dilated filter.
    """
    torch.manual_seed(0)
    theirs = torch.nn.Conv2d(C, FEATURES, kernel, stride, dilation=dilation)
    x = normal(B, *size, C)
    zeros = {"VALID": 0, None: dilation * (kernel - 1) // 2}.get(padding, padding)
    rows, columns = (
        same(length, kernel, stride, dilation) if zeros == "SAME" else (zeros, zeros)
        for length in size
    )
    expected = channels_last(theirs(torch.nn.functional.pad(channels_first(x), (*columns, *rows))))
    ours = Conv(FEATURES, kernel, stride, dilation, padding)
    np.testing.assert_allclose(
        ours.apply({"params": {"Conv_0": convolution(theirs)}}, x), expected, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(("padding", "mode"), [("SAME", "same"), ("VALID", "valid")])
def test_it_is_the_cross_correlation(padding: str, mode: str) -> None:
    """Of each channel with its filter, summed over the channels; nothing is flipped."""
    x, kernel = normal(1, H, W, C), normal(3, 3, C, FEATURES, seed=1)
    got = Conv(FEATURES, 3, padding=padding, bias=False).apply(
        {"params": {"Conv_0": {"kernel": kernel}}}, x
    )
    for feature in range(FEATURES):
        expected = sum(correlate2d(x[0, ..., c], kernel[..., c, feature], mode) for c in range(C))
        np.testing.assert_allclose(got[0, ..., feature], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("kernel", "stride", "cut"), [(4, 2, 1), (2, 2, 0), (16, 8, 4), (3, 1, 1)])
def test_a_transposed_convolution_is_pytorchs(kernel: int, stride: int, cut: int) -> None:
    """As networks that segment use it: `SAME` makes an image `stride` times larger.

    PyTorch's `padding` says how much of the border is cut off, (kernel - stride) / 2 for that.
    """
    torch.manual_seed(0)
    theirs = torch.nn.ConvTranspose2d(C, FEATURES, kernel, stride, padding=cut)
    x = normal(B, 5, 6, C)
    ours = nn.ConvTranspose(FEATURES, (kernel, kernel), (stride, stride), padding="SAME")
    got = ours.apply({"params": transposed_convolution(theirs)}, x)
    assert got.shape == (B, 5 * stride, 6 * stride, FEATURES)
    np.testing.assert_allclose(got, channels_last(theirs(channels_first(x))), rtol=1e-5, atol=1e-5)
