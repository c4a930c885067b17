"""PyTorch's weights as ours."""

from typing import Any

import numpy as np
import torch


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def attention_params(theirs: torch.nn.MultiheadAttention, cross: bool = False) -> Any:
    kernel, bias = theirs.in_proj_weight.detach().numpy().T, theirs.in_proj_bias.detach().numpy()
    own = {"out": dense(theirs.out_proj)}
    if not cross:
        return {"qkv": {"kernel": kernel, "bias": bias}, **own}
    width = len(kernel)
    parts = {"query": slice(0, width), "key_value": slice(width, 3 * width)}
    return {
        name: {"kernel": kernel[:, part], "bias": bias[part]} for name, part in parts.items()
    } | own


def dense(theirs: torch.nn.Linear) -> Any:
    return {"kernel": theirs.weight.detach().numpy().T, "bias": theirs.bias.detach().numpy()}


def convolution(theirs: torch.nn.Conv2d) -> Any:
    """[out, in, H, W] as [H, W, in, out]; both cross-correlate, so nothing is flipped."""
    return _with_bias(theirs.weight.detach().numpy().transpose(2, 3, 1, 0), theirs)


def transposed_convolution(theirs: torch.nn.ConvTranspose2d) -> Any:
    """[in, out, H, W] as [H, W, in, out], flipped: PyTorch's is the gradient of a convolution,
    flax's is one itself."""
    return _with_bias(theirs.weight.detach().numpy().transpose(2, 3, 0, 1)[::-1, ::-1], theirs)


def batch_norm(theirs: torch.nn.Module) -> Any:
    return {"scale": theirs.weight.detach().numpy(), "bias": theirs.bias.detach().numpy()}


def _with_bias(kernel: np.ndarray, theirs: Any) -> Any:
    return {"kernel": kernel} | (
        {} if theirs.bias is None else {"bias": theirs.bias.detach().numpy()}
    )


def channels_first(x: np.ndarray) -> torch.Tensor:
    """[B, H, W, C] as [B, C, H, W]."""
    return torch.tensor(np.ascontiguousarray(np.moveaxis(x, -1, 1)))


def channels_last(x: torch.Tensor) -> np.ndarray:
    """[B, C, H, W] as [B, H, W, C]."""
    return np.moveaxis(x.detach().numpy(), 1, -1)
