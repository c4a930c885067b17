"""Levels on digits over 10 seeds, each seed with its own split: what well-chosen settings must reach."""

from typing import Any

import numpy as np
import pytest
from engine import bundled

from research.sweeps.plan import with_seeds
from research.training import loop, ways

MLP = {"optimizer.momentum": 0.9, "learning_rate": 0.05, "regularization": "dropout=0.2", "epochs": 30}
CNN = {"arch": "cnn", "optimizer": "adam", "learning_rate": 0.002, "regularization": "dropout=0.2", "epochs": 20}


@pytest.mark.parametrize(("settings", "level"), [(MLP, 0.97), (CNN, 0.985)], ids=["mlp", "cnn"])
def test_digits(settings: dict[str, Any], level: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    planner = bundled(str(tmp_path_factory.mktemp("cache")))
    runs = planner.runs(with_seeds({"dataset": "digits", "schedule": "cosine", **settings}, range(10)))
    program, configs = runs[0].program, [run.config for run in runs]
    way = next(iter(ways.candidates(program, configs[0], len(configs))))
    outcomes = loop.train(program, configs, planner.arrays(runs[0]), way)
    assert np.mean([outcome.metrics["test/accuracy"] for outcome in outcomes]) >= level
