"""Batch norm's statistics for averaged parameters: those of PyTorch's update_bn, and the running
ones where there is no average."""

from typing import Any

import jax
import numpy as np
import pytest
import torch

from research import identity
from research.errors import UserError
from research.param_tree import by_name
from research.sweeps.plan.run_plan import PlannedRun
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from research.training.engine.chunk import Chunk
from research.training.engine.chunk_batches import order
from research.training.step import network
from tests.support.engine import BATCH, EPOCHS, IMAGES, assert_same_bits, lane, run, start

STRATEGY = ExecutionStrategy(1, 2)
SWA = "batch_norm,swa=0.4"
SETTINGS = {"arch__hidden": (6,), "learning_rate": 0.5}


def trained(*runs: PlannedRun, width: int = 1, epochs: int = EPOCHS) -> Chunk:
    """The chunk of runs after some epochs."""
    chunk = start(runs, width)
    strategy = ExecutionStrategy(width, 2)
    with runs[0].program.precision_context():
        for epoch in range(epochs):
            loop.run_epoch(runs[0].program, [chunk], strategy, epoch)
    return chunk


def averaged(chunk: Chunk, index: int = 0) -> Any:
    """The averaged variables of a lane."""
    return lane(jax.device_get(chunk.state.mean), index)


def statistics_of(variables: Any) -> dict[str, np.ndarray]:
    """The mean and the variance of the only batch norm."""
    names = by_name(variables.batch_stats)
    return {name.rpartition("/")[2]: value for name, value in names.items()}


def update_bn(own: PlannedRun, chunk: Chunk, variables: Any) -> dict[str, np.ndarray]:
    """PyTorch's statistics of the same parameters over the batches of the last epoch."""
    of_lane = lane(chunk.lanes, 0)
    x = np.asarray(network.normalize_inputs(own.program, of_lane, IMAGES.arrays().x))
    rows = np.asarray(order(own.program, chunk, STRATEGY, EPOCHS - 1))[0]
    batches = [
        torch.tensor(x[rows[first : first + BATCH]].reshape(BATCH, -1))
        for first in range(0, own.program.sizes.steps_per_epoch * BATCH, BATCH)
    ]
    params = by_name(variables.params)
    (kernel,) = [leaf for name, leaf in params.items() if "Hidden" in name and "kernel" in name]
    dense = torch.nn.Linear(*kernel.shape, bias=False)
    dense.weight.data = torch.tensor(kernel.T)
    model = torch.nn.Sequential(dense, torch.nn.BatchNorm1d(kernel.shape[1]))
    torch.optim.swa_utils.update_bn(batches, model)
    mean, unbiased = model[1].running_mean.numpy(), model[1].running_var.numpy()
    return {"mean": mean, "var": unbiased * (BATCH - 1) / BATCH}


@pytest.mark.parametrize("average", ["swa=0.4", "ema(0.8,statistics=recomputed)"])
def test_they_are_those_of_pytorchs_update_bn(average: str) -> None:
    """Statistics are PyTorch's within float32 rounding, and more than 1 % from the averaged
    ones."""
    own = run(regularization=f"batch_norm,{average}", **SETTINGS)
    chunk = trained(own)
    variables = averaged(chunk)
    expected = update_bn(own, chunk, variables)
    for name, value in statistics_of(variables).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-5, atol=1e-6)
    # The average of the running statistics is something else.
    name, _, number = average.partition("(")[0].partition("=")
    share = number or "0.8"
    old = run(regularization=f"batch_norm,{name}({share},statistics=averaged)", **SETTINGS)
    other = averaged(trained(old))
    assert_same_bits(other.params, variables.params)
    assert not np.allclose(statistics_of(other)["var"], expected["var"], rtol=0.01)


@pytest.mark.parametrize("neutral", ["swa=1", "ema(0,statistics=recomputed)", "swa=0.7"])
def test_where_there_is_no_average_the_running_statistics_stay(neutral: str) -> None:
    chunk = trained(run(regularization=f"batch_norm,{neutral}", **SETTINGS), epochs=2)
    assert_same_bits(averaged(chunk), lane(jax.device_get(chunk.state.variables), 0))


def test_a_lane_has_the_statistics_of_the_run_alone() -> None:
    """A lane among three and the run alone differ by float32 rounding."""
    runs = [run(regularization=f"batch_norm,swa={share}", **SETTINGS) for share in (0.2, 0.5, 1)]
    together = trained(*runs, width=3)
    for index, own in enumerate(runs):
        alone = averaged(trained(own))
        for name, value in statistics_of(averaged(together, index)).items():
            np.testing.assert_allclose(value, statistics_of(alone)[name], rtol=1e-5, atol=1e-6)


def test_only_runs_that_recompute_have_a_new_version() -> None:
    def changed(regularization: str) -> bool:
        own = run(regularization=regularization)
        return "recomputed statistics" in dict(identity.versions(own.config))

    assert changed(SWA)
    assert changed("batch_norm,ema(0.9,statistics=recomputed)")
    assert not changed("swa=0.4")
    assert not changed("batch_norm,ema=0.9")
    assert not changed("batch_norm,swa(0.4,statistics=averaged)")


def test_without_batch_norm_there_is_nothing_to_recompute() -> None:
    with pytest.raises(UserError, match="statistics=recomputed of ema is about batch norm"):
        run(regularization="ema(0.9,statistics=recomputed)")
    with pytest.raises(UserError, match="statistics=averaged of swa is about batch norm"):
        run(regularization="swa(0.4,statistics=averaged)")
