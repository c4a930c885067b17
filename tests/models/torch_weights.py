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
    return {name: {"kernel": kernel[:, part], "bias": bias[part]} for name, part in parts.items()} | own


def dense(theirs: torch.nn.Linear) -> Any:
    return {"kernel": theirs.weight.detach().numpy().T, "bias": theirs.bias.detach().numpy()}
