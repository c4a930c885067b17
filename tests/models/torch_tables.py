"""Networks for tables in PyTorch, after their papers' formulas, with our weights."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


def tensor(x: Any) -> Tensor:
    return torch.tensor(np.array(x))


def linear(params: Any) -> nn.Linear:
    """A layer of ours, which may lie one scope deeper."""
    params = params.get("Dense_0", params)
    kernel = tensor(params["kernel"])
    layer = nn.Linear(*kernel.shape, bias="bias" in params)
    layer.weight.data = kernel.T
    if "bias" in params:
        layer.bias.data = tensor(params["bias"])
    return layer


def layer_norm(params: Any) -> nn.LayerNorm:
    norm = nn.LayerNorm(len(params["scale"]))
    norm.weight.data, norm.bias.data = tensor(params["scale"]), tensor(params["bias"])
    return norm


def batch_norm(params: Any, statistics: Any) -> nn.BatchNorm1d:
    params, statistics = (
        tree["BatchNorm_0"]["BatchNorm_0"] if "BatchNorm_0" in tree else tree
        for tree in (params, statistics)
    )
    norm = nn.BatchNorm1d(len(params["scale"])).eval()
    norm.weight.data, norm.bias.data = tensor(params["scale"]), tensor(params["bias"])
    norm.running_mean, norm.running_var = tensor(statistics["mean"]), tensor(statistics["var"])
    return norm


def embedding(table: Any) -> nn.Embedding:
    return nn.Embedding.from_pretrained(tensor(table))


def category_vectors(table: Any, x: Tensor, counts: tuple[int, ...]) -> Tensor:
    """[B, C] -> [B, C, width], by one table with an offset for each column."""
    offsets = torch.tensor([0, *counts[:-1]]).cumsum(0)
    return embedding(table)(x.long() + offsets)


def one_hot(x: Tensor, counts: tuple[int, ...]) -> Tensor:
    hot = [functional.one_hot(x[:, c].long(), count) for c, count in enumerate(counts)]
    return torch.cat(hot, dim=1).float()


def periodic(params: Any, x: Tensor) -> Tensor:
    """[B, N] -> [B, N, width]: one number and one linear layer at a time."""
    columns = []
    for n in range(x.shape[1]):
        angle = 2 * math.pi * x[:, n : n + 1] * tensor(params["frequency"][n])
        waves = torch.cat([angle.cos(), angle.sin()], dim=1)
        columns.append((waves @ tensor(params["kernel"][n]) + tensor(params["bias"][n])).relu())
    return torch.stack(columns, dim=1)


def piecewise_linear(params: Any, x: Tensor, edges: list[np.ndarray]) -> Tensor:
    """[B, N] -> [B, N, width]: equation 1 of Gorishniy et al. 2022, bin by bin, plus w x + b."""
    columns = []
    for n, of_number in enumerate(edges):
        kernel, bins = tensor(params["kernel"][n]), len(of_number) - 1
        line = params["LinearEmbedding_0"]
        h = x[:, n : n + 1] * tensor(line["weight"][n]) + tensor(line["bias"][n])
        for t in range(bins):
            low, high = float(of_number[t]), float(of_number[t + 1])
            e = (x[:, n] - low) / (high - low)
            e = e if t == 0 else e.clamp(min=0)
            e = e if t == bins - 1 else e.clamp(max=1)
            # Our last bin has the last place.
            h = h + e[:, None] * kernel[t if t < bins - 1 else -1]
        columns.append(h)
    return torch.stack(columns, dim=1)


def mlp(params: Any, x: Tensor, depth: int) -> Tensor:
    for i in range(depth):
        x = linear(params[f"TorchLinear_{i}"])(x).relu()
    return linear(params[f"TorchLinear_{depth}"])(x)


def resnet(variables: Any, x: Tensor, blocks: int) -> Tensor:
    params, statistics = variables["params"], variables["batch_stats"]
    norms = [
        batch_norm(params[f"Normalize_{i}"], statistics[f"Normalize_{i}"])
        for i in range(blocks + 1)
    ]
    x = linear(params["TorchLinear_0"])(x)
    for i in range(blocks):
        h = linear(params[f"TorchLinear_{2 * i + 1}"])(norms[i](x)).relu()
        x = x + linear(params[f"TorchLinear_{2 * i + 2}"])(h)
    return linear(params[f"TorchLinear_{2 * blocks + 1}"])(norms[blocks](x).relu())


def dcn2(params: Any, x: Tensor, *, cross: int, deep: int, stacked: bool) -> Tensor:
    layers = [linear(params[f"TorchLinear_{i}"]) for i in range(cross + deep + 2)]
    z = layers[0](x)
    crossed = z
    for layer in layers[1 : cross + 1]:
        crossed = z * layer(crossed) + crossed
    h = crossed if stacked else z
    for layer in layers[cross + 1 : -1]:
        h = layer(h).relu()
    return layers[-1](h if stacked else torch.cat([crossed, h], dim=1))


def snn(params: Any, x: Tensor, depth: int) -> Tensor:
    for i in range(depth):
        x = functional.selu(linear(params[f"Dense_{i}"])(x))
    return linear(params[f"Dense_{depth}"])(x)


def attention(params: Any, queries: Tensor, memory: Tensor, heads: int) -> Tensor:
    """torch.nn.MultiheadAttention with our weights."""
    width = queries.shape[-1]
    theirs = nn.MultiheadAttention(width, heads, batch_first=True)
    parts = [params["qkv"]] if "qkv" in params else [params["query"], params["key_value"]]
    theirs.in_proj_weight.data = torch.cat([tensor(part["kernel"]).T for part in parts])
    theirs.in_proj_bias.data = torch.cat([tensor(part["bias"]) for part in parts])
    theirs.out_proj = linear(params["out"])
    return theirs(queries, memory, memory, need_weights=False)[0]


def ft_transformer(params: Any, tokens: Tensor, *, layers: int, heads: int, pre: bool) -> Tensor:
    """The blocks and the head, from tokens [B, T, width]."""
    count = 2 * layers  # norms: pre lacks the first one and has one at the end
    norms = iter([layer_norm(params[f"LayerNorm_{i}"]) for i in range(count)])
    linears = iter([linear(params[f"TorchLinear_{i}"]) for i in range(2 * layers + 1)])
    x = tokens
    for layer in range(layers):
        h = next(norms)(x) if pre and layer else x
        last = layer == layers - 1
        h = attention(params[f"Attention_{layer}"], h[:, :1] if last else h, h, heads)
        x = (x[:, :1] if last else x) + h
        x = x if pre else next(norms)(x)
        a, b = next(linears)(next(norms)(x) if pre else x).chunk(2, dim=-1)
        x = x + next(linears)(a * b.relu())
        x = x if pre else next(norms)(x)
    x = x[:, 0]
    return next(linears)((next(norms)(x) if pre else x).relu())
