"""Ten steps of the engine against ten of torch.optim, in float32, on a small network's squared
error.

Where the definitions differ, each is compared where the two are equal:

- Adagrad: ours is g / sqrt(s + eps), PyTorch's g / (sqrt(s) + eps); the sums of squares start at
    0.1 and at 0. With the
  start and our eps both in PyTorch's start, and no eps of its own, they are one.
- RMSprop: the same of eps, which no start makes up for. They are one where eps vanishes beside the
    squares, and with
  `chain(scale_by_rms(eps_in_sqrt=false),trace)`, which is PyTorch's definition. The default decays
  are 0.9 and 0.99.
- SGD with style=average is PyTorch's dampening=momentum but for the first gradient, which PyTorch
    does not dampen; it
  is PyTorch's undampened momentum at (1 - momentum) times the learning rate.
- AdamW decays kernels only; PyTorch's decays what is in its group.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from research.testing import few_steps
from research.training.step.initial_state import initial_state
from tests.support.engine import TABLE, one_step, run

STEPS, RATE = 10, 0.05
TINY = 1e-30  # an eps that vanishes beside the squares of gradients
START, EPS = 0.1, 0.01
ADAM: dict[str, Any] = {"b1": 0.8, "b2": 0.95, "eps": 1e-3}
THEIR_ADAM: dict[str, Any] = {"betas": (0.8, 0.95), "eps": 1e-3}

CASES: dict[str, tuple[str, dict[str, Any], type[torch.optim.Optimizer], dict[str, Any]]] = {
    "sgd": ("sgd", {}, torch.optim.SGD, {}),
    "sgd momentum": ("sgd", {"momentum": 0.9}, torch.optim.SGD, {"momentum": 0.9}),
    "sgd average": (
        "sgd",
        {"momentum": 0.9, "style": "average"},
        torch.optim.SGD,
        {"momentum": 0.9, "lr": RATE * (1 - 0.9)},
    ),
    "sgd nesterov": (
        "sgd",
        {"momentum": 0.9, "nesterov": True},
        torch.optim.SGD,
        {"momentum": 0.9, "nesterov": True},
    ),
    "adagrad": (
        "adagrad",
        {"initial_accumulator": START, "eps": EPS},
        torch.optim.Adagrad,
        {"initial_accumulator_value": START + EPS, "eps": 0.0},
    ),
    "adadelta": (
        "adadelta",
        {"rho": 0.8, "eps": 1e-3},
        torch.optim.Adadelta,
        {"rho": 0.8, "eps": 1e-3},
    ),
    "rmsprop": (
        "rmsprop",
        {"decay": 0.9, "eps": TINY, "momentum": 0.5},
        torch.optim.RMSprop,
        {"alpha": 0.9, "eps": TINY, "momentum": 0.5},
    ),
    "rmsprop in a chain": (
        "chain(scale_by_rms(eps_in_sqrt=false),trace)",
        {"scale_by_rms.decay": 0.9, "scale_by_rms.eps": EPS, "trace.decay": 0.5},
        torch.optim.RMSprop,
        {"alpha": 0.9, "eps": EPS, "momentum": 0.5},
    ),
    "adam": ("adam", ADAM, torch.optim.Adam, THEIR_ADAM),
    "adamw": (
        "adamw",
        {**ADAM, "weight_decay": 0.3},
        torch.optim.AdamW,
        {**THEIR_ADAM, "weight_decay": 0.3},
    ),
}


def ours(name: str, options: dict[str, Any]) -> tuple[list[Any], np.ndarray, np.ndarray]:
    """The parameters before and after each step of the engine, and the batch that all steps see."""
    settings = {f"optimizer.{option}": value for option, value in options.items()}
    own = run(
        regression=True,
        **{
            "arch.hidden": (5,),
            "arch.activation": "tanh",
            "scaling": "none",
            "target_scaling": "none",
            "learning_rate": RATE,
        },
        **{"batch_size": "full", "optimizer": name, **settings},
    )
    lane, variables = few_steps.initial(own, TABLE.data)
    rows = np.asarray(lane.train)
    x, y = TABLE.data.x[rows], TABLE.data.y[rows]
    batch = {"x": jnp.asarray(x), "y": jnp.asarray(y), "factor": jnp.ones(())}
    with own.program.precision_context():
        state = initial_state(own.program, lane, variables)
        seen = [state.variables.params]
        for _ in range(STEPS):
            state = one_step(own.program, state, lane, batch)
            seen.append(state.variables.params)
    return (
        [
            [_layer(params["HiddenDense_0"]["Dense_0"]), _layer(params["Dense_0"])]
            for params in seen
        ],
        x,
        y,
    )


def _layer(dense: Any) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(dense["kernel"]).T, np.asarray(dense["bias"])


def theirs(
    optimizer: Any, options: dict[str, Any], start: Any, x: np.ndarray, y: np.ndarray
) -> list[Any]:
    """The parameters before and after each step of PyTorch, from the same start on the same
    batch."""
    network = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
    layers = network[0], network[2]
    with torch.no_grad():
        for layer, (weight, bias) in zip(layers, start, strict=True):
            layer.weight.copy_(torch.tensor(weight))
            layer.bias.copy_(torch.tensor(bias))
    groups = [
        {"params": [layer.weight for layer in layers]},
        {"params": [layer.bias for layer in layers]},
    ]
    if "weight_decay" in options:
        groups[1]["weight_decay"] = 0.0
    descent = optimizer(groups, **{"lr": RATE, **options})
    seen = [start]
    for _ in range(STEPS):
        descent.zero_grad()
        torch.nn.functional.mse_loss(network(torch.tensor(x))[:, 0], torch.tensor(y)).backward()
        descent.step()
        seen.append(
            [
                (layer.weight.detach().numpy().copy(), layer.bias.detach().numpy().copy())
                for layer in layers
            ]
        )
    return seen


@pytest.mark.parametrize("case", CASES)
def test_ten_steps_are_pytorchs(case: str) -> None:
    """Parameters after ten steps are PyTorch's; 1e-6 is float32 rounding, and each parameter has
    moved by far more."""
    name, options, optimizer, their_options = CASES[case]
    got, x, y = ours(name, options)
    expected = theirs(optimizer, their_options, got[0], x, y)
    for mine, other in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-6)
    moved = [
        np.abs(a - b).max()
        for a, b in zip(jax.tree.leaves(got[0]), jax.tree.leaves(got[-1]), strict=True)
    ]
    assert min(moved) > 1e-3
