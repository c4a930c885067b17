"""Networks in PyTorch of the same shape as ours, written as PyTorch's users write them; for
launch.benchmark step.

Imported only where PyTorch is: it is a requirement of development alone. Images are [B, C, H, W].
"""

import itertools
import math
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

Step = Callable[[int], float]


class Residual(nn.Module):
    """after(short(x) + branch(x)); with `first` both see first(x), but for a shortcut that is the
    identity."""

    def __init__(
        self,
        branch: nn.Module,
        short: nn.Module | None,
        after: nn.Module | None = None,
        first: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.branch, self.short, self.after, self.first = branch, short, after, first

    def forward(self, x: Tensor) -> Tensor:
        """The outputs for a batch x [B, ...]."""
        h = x if self.first is None else self.first(x)
        y = (x if self.short is None else self.short(h)) + self.branch(h)
        return y if self.after is None else self.after(y)


class Grow(nn.Module):
    """x with what the layer makes of it appended to its channels."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """The outputs for a batch x [B, ...]."""
        return torch.cat([x, self.layer(x)], 1)


class TorchRecurrent(nn.Module):
    """A recurrent layer over the rows of an image, and a linear head after the last."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        """The outputs for a batch x [B, ...]."""
        return self.head(self.layer(x.squeeze(1))[0][:, -1])


class Temporal(nn.Module):
    """Causal dilated convolutions over the rows of an image, in residual blocks."""

    def __init__(self, channels: int, levels: int, kernel: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for level in range(levels):
            width = channels if level else 28
            dilation = 2**level
            branch = []
            for inputs in (width, channels):
                pad = nn.ConstantPad1d((dilation * (kernel - 1), 0), 0.0)
                branch += [pad, nn.Conv1d(inputs, channels, kernel, dilation=dilation), nn.ReLU()]
            short = None if width == channels else nn.Conv1d(width, channels, 1)
            blocks.append(Residual(nn.Sequential(*branch), short, nn.ReLU()))
        self.blocks, self.head = nn.Sequential(*blocks), nn.Linear(channels, 10)

    def forward(self, x: Tensor) -> Tensor:
        """The outputs for a batch x [B, ...]."""
        return self.head(self.blocks(x.squeeze(1).transpose(1, 2))[:, :, -1])


def blocks(bias: bool = True) -> nn.Module:
    """Four transformer blocks of 128 units and 4 heads, normalized before each branch and at the
    end."""
    layer = nn.TransformerEncoderLayer(
        128, 4, 512, 0.0, "gelu", batch_first=True, norm_first=True, bias=bias
    )
    return nn.TransformerEncoder(layer, 4, nn.LayerNorm(128, bias=bias), enable_nested_tensor=False)


class TorchGPT(nn.Module):
    """A decoder whose head is its table of token vectors."""

    def __init__(self, symbols: int, context: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(symbols, 128)
        self.positions = nn.Parameter(torch.randn(context, 128) * 0.02)
        self.blocks = blocks(bias=False)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(context))

    def forward(self, x: Tensor) -> Tensor:
        """The outputs for a batch x [B, ...]."""
        h = self.blocks(self.tokens(x) + self.positions, mask=self.mask, is_causal=True)
        return h @ self.tokens.weight.T


class Encoder(nn.Module):
    """An encoder of a series [B, T, F] with sinusoidal positions, read by its mean."""

    def __init__(self, features: int, context: int) -> None:
        super().__init__()
        self.inputs, self.blocks, self.head = nn.Linear(features, 128), blocks(), nn.Linear(128, 10)
        angles = torch.arange(context)[:, None] * torch.exp(
            -math.log(10_000) * torch.arange(0, 128, 2) / 128
        )
        self.register_buffer(
            "positions", torch.stack([angles.sin(), angles.cos()], -1).reshape(context, 128)
        )

    def forward(self, x: Tensor) -> Tensor:
        """The outputs for a batch x [B, ...]."""
        return self.head(self.blocks(self.inputs(x) + self.positions).mean(1))


class TorchViT(nn.Module):
    """An encoder of patches of 4x4, read by its class token."""

    def __init__(self, side: int) -> None:
        super().__init__()
        count = (side // 4) ** 2 + 1
        self.patches, self.blocks, self.head = nn.Conv2d(1, 128, 4, 4), blocks(), nn.Linear(128, 10)
        self.token = nn.Parameter(torch.zeros(128))
        self.positions = nn.Parameter(torch.randn(count, 128) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        """The outputs for a batch x [B, ...]."""
        h = self.patches(x).flatten(2).transpose(1, 2)
        h = torch.cat([self.token.expand(len(h), 1, 128), h], 1) + self.positions
        return self.head(self.blocks(h)[:, 0])


def dense(*widths: int) -> list[nn.Module]:
    """Linear layers with ReLUs between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return layers[:-1]


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, bias: bool = False) -> nn.Module:
    """A convolution that keeps rows and columns, but for the stride.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        kernel: side of the filters.
        stride: distance between outputs.
        bias: whether it adds a bias.
    """
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)


def norm_relu(channels: int) -> list[nn.Module]:
    """Batch norm and a ReLU."""
    return [nn.BatchNorm2d(channels), nn.ReLU()]


def mean_head(channels: int) -> list[nn.Module]:
    """The mean over positions, and a linear layer to 10 classes."""
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]


def cnn() -> nn.Module:
    """The network of arch=cnn."""
    layers = [
        conv(1, 32, 3, bias=True),
        nn.ReLU(),
        nn.MaxPool2d(2),
        conv(32, 64, 3, bias=True),
        nn.ReLU(),
    ]
    return nn.Sequential(*layers, nn.MaxPool2d(2), nn.Flatten(), *dense(7 * 7 * 64, 128, 10))


def lenet5() -> nn.Module:
    """The network of arch=lenet5."""
    layers = [
        conv(1, 6, 5, bias=True),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
    ]
    return nn.Sequential(*layers, nn.Flatten(), *dense(400, 120, 84, 10))


def alexnet_small() -> nn.Module:
    """The network of arch=alexnet_small."""
    layers: list[nn.Module] = []
    for inputs in (1, 64):
        pool = nn.MaxPool2d(3, 2, 1)
        layers += [
            conv(inputs, 64, 5, bias=True),
            nn.ReLU(),
            pool,
            nn.LocalResponseNorm(9, 0.001, 0.75, 1.0),
        ]
    return nn.Sequential(*layers, nn.Flatten(), *dense(7 * 7 * 64, 384, 192, 10))


def vgg() -> nn.Module:
    """The network of arch=vgg, of a quarter of its width."""
    layers: list[nn.Module] = []
    inputs = 3
    for channels in (16, "pool", 32, "pool", 64, 64, "pool", 128, 128, "pool", 128, 128, "pool"):
        if isinstance(channels, str):
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [conv(inputs, channels, 3, bias=True), nn.ReLU()]
            inputs = channels
    return nn.Sequential(*layers, nn.Flatten(), *dense(128, 512, 10))


def resnet() -> nn.Module:
    """The network of arch=resnet."""
    layers = [conv(3, 16, 3), *norm_relu(16)]
    inputs = 16
    for channels in (16, 32, 64):
        for place in range(3):
            stride = 2 if channels > 16 and not place else 1
            short = (
                nn.Sequential(conv(inputs, channels, 1, stride), nn.BatchNorm2d(channels))
                if stride == 2
                else None
            )
            branch = [
                conv(inputs, channels, 3, stride),
                *norm_relu(channels),
                conv(channels, channels, 3),
            ]
            layers.append(
                Residual(nn.Sequential(*branch, nn.BatchNorm2d(channels)), short, nn.ReLU())
            )
            inputs = channels
    return nn.Sequential(*layers, *mean_head(64))


def wide_resnet() -> nn.Module:
    """The network of arch=wide_resnet, of depth 10 and width 2."""
    layers = [conv(3, 16, 3)]
    inputs = 16
    for channels in (32, 64, 128):
        stride = 2 if channels > 32 else 1
        branch = [
            conv(inputs, channels, 3, stride),
            *norm_relu(channels),
            conv(channels, channels, 3),
        ]
        short = conv(inputs, channels, 1, stride)
        first = nn.Sequential(*norm_relu(inputs))
        layers.append(Residual(nn.Sequential(*branch), short, first=first))
        inputs = channels
    return nn.Sequential(*layers, *norm_relu(128), *mean_head(128))


def densenet() -> nn.Module:
    """The network of arch=densenet, of three blocks of three layers."""
    layers = [conv(3, 32, 3, bias=True)]
    channels = 32
    for block in range(3):
        for _ in range(3):
            inside = [*norm_relu(channels), conv(channels, 32, 1), *norm_relu(32), conv(32, 16, 3)]
            layers.append(Grow(nn.Sequential(*inside)))
            channels += 16
        layers += norm_relu(channels)
        if block < 2:
            layers += [conv(channels, channels // 2, 1), nn.AvgPool2d(2)]
            channels //= 2
    return nn.Sequential(*layers, *mean_head(channels))


# By the names of our architectures, at the settings of benchmarks/step_time.py.
NETWORKS: Mapping[str, Callable[[], nn.Module]] = {
    "mlp": lambda: nn.Sequential(nn.Flatten(), *dense(784, 256, 256, 10)),
    "cnn": cnn,
    "lenet5": lenet5,
    "alexnet_small": alexnet_small,
    "vgg": vgg,
    "resnet": resnet,
    "wide_resnet": wide_resnet,
    "densenet": densenet,
    "rnn": lambda: TorchRecurrent(nn.RNN(28, 128, batch_first=True)),
    "lstm": lambda: TorchRecurrent(nn.LSTM(28, 128, batch_first=True)),
    "gru": lambda: TorchRecurrent(nn.GRU(28, 128, batch_first=True)),
    "tcn": lambda: Temporal(25, 3, 7),
    "gpt": lambda: TorchGPT(26, 64),
    "transformer_encoder": lambda: Encoder(28, 28),
    "vit": lambda: TorchViT(28),
}


def step_timer(
    name: str, x: np.ndarray, y: np.ndarray, batch: int, threads: int
) -> tuple[int, Step]:
    """The parameters of a network, and a function that trains so many steps and returns seconds per
    step.

    Eager, with PyTorch's defaults.

    Args:
        name: the network.
        x: [N, H, W, C], [N, T, D] or int [N, T].
        y: int [N] or [N, T].
        batch: examples per step.
        threads: threads of PyTorch.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    network = NETWORKS[name]()
    descent = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9)
    inputs = torch.tensor(np.ascontiguousarray(np.moveaxis(x, -1, 1)) if x.ndim == 4 else x)
    inputs, targets = (inputs.long() if x.ndim == 2 else inputs.float()), torch.tensor(y).long()

    def steps(count: int) -> float:
        begin = time.perf_counter()
        for _ in range(count):
            rows = torch.randint(len(inputs), (batch,))
            loss = update(network, descent, inputs[rows], targets[rows])
        loss.item()
        return (time.perf_counter() - begin) / count

    return sum(parameter.numel() for parameter in network.parameters()), steps


def update(network: nn.Module, descent: torch.optim.Optimizer, x: Tensor, y: Tensor) -> Tensor:
    """One step; the mean cross-entropy before it, [].

    Args:
        network: the network.
        descent: the optimizer.
        x: examples [B, ...].
        y: classes [B] or [B, T].
    """
    loss = nn.functional.cross_entropy(network(x).flatten(0, -2), y.flatten())
    descent.zero_grad()
    loss.backward()
    descent.step()
    return loss
