"""Which experiments may have records: never an experiment too few."""

import pytest

from research.analysis.trained_experiments import may_have_records
from research.config import to_flags
from research.sweeps.column import Column
from research.sweeps.experiment import Choose, Experiment
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from tests.support.engine import IMAGES

BASE = {"dataset": "digits", "arch": "mlp", "arch.hidden": "4", "epochs": "1", "batch_size": "8"}
ARMS = {"sgd": {}, "adam": {"optimizer": "adam", "learning_rate": "0.001"}}


def declared(choose: Choose | None = None, arms=ARMS) -> Experiment:
    return Experiment("e", "", BASE, arms, [Column("acc", "test/accuracy")], choose=choose)


def trained(settings) -> Record:
    (run,) = Planner(lambda config: IMAGES).runs([settings])
    return Record(run.id, "finished", to_flags(run.config))


@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
def test_each_arm_alone_is_enough(arm):
    assert may_have_records(declared(), [trained(BASE | arm | {"seed": "3"})])


@pytest.mark.parametrize(("path", "values"), [("epochs", (1, 3)), ("optimizer.momentum", (0, 0.9))])
def test_a_chosen_value_is_enough(path, values):
    experiment = declared(Choose(path, values, seeds=2), {"sgd": {}})
    for value in values:
        assert may_have_records(experiment, [trained(BASE | {path: value})])


@pytest.mark.parametrize(
    "other", [{"epochs": "2"}, {"optimizer": "adam"}, {"dataset": "wine"}, {"arch": "cnn"}]
)
def test_a_run_of_another_kind_is_not(other):
    experiment = declared(arms={"sgd": {}})
    settings = {"dataset": "digits", "arch": "mlp", "optimizer": "sgd", "epochs": "1"} | other
    assert not may_have_records(experiment, [Record("a", "finished", settings)])
    assert not may_have_records(experiment, [])
