"""Laws 6 and 8: what a run is the same run by, and that no setting is silently ignored."""

import dataclasses
import re
from pathlib import Path

import pytest

from research.errors import UserError
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.plan.run_plan import check_comparable, packs, same
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.store import Store
from tests.support.engine import BASE, images, planned, planner, run


def test_packs_are_programs() -> None:
    numbers = planned({}, {"learning_rate": 0.1}, {"seed": 3}, {"schedule": "cosine"}, {})
    static = planned({"arch.hidden": (4,)})
    made = packs([*numbers, *static])
    assert [len(pack.runs) for pack in made] == [4, 1]  # the repetition is one run


# Law 6: what a run's identity is
# -----------------------------------------------------------------------

CHANGES = [
    {"arch.hidden": (8, 4)},
    {"arch.activation": "tanh"},
    {"arch.kernel_init": "he_uniform"},
    {"arch.residual": True},
    {"optimizer": "adam"},
    {"optimizer.momentum": 0.5},
    {"optimizer.momentum": 0.5, "optimizer.nesterov": True},
    {"learning_rate": 0.051},
    {"schedule": "cosine"},
    {"schedule.warmup": "2"},
    {"regularization": "dropout=0.5"},
    {"regularization": "dropout=0.25"},
    {"regularization": "l2=0.5"},
    {"epochs": 4},
    {"batch_size": 4},
    {"batch_size": "full"},
    {"seed": 1},
    {"split": "3:1:1"},
    {"split_seed": 1},
    {"train_size": 20},
    {"label_noise": 0.1},
    {"scaling": "minmax"},
    {"loss": "hinge"},
]


def test_every_leaf_changes_the_id() -> None:
    ids = [run(**change).id for change in [{}, *CHANGES]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in ids)


def test_a_check_that_depends_on_a_number_is_made_for_each() -> None:
    """Runs of one program are checked together but for the numbers that are zero."""
    fine = {**BASE, "optimizer.nesterov": True, "optimizer.momentum": 0.9}
    plans = planner()
    assert len(plans.runs([fine])) == 1
    with pytest.raises(UserError, match=r"optimizer.momentum is 0, so it would have no effect"):
        plans.runs([fine, {**fine, "optimizer.momentum": 0.0}])


def test_a_default_written_out_changes_nothing() -> None:
    plain = run().id
    for written in (
        {"seed": 0},
        {"arch": "mlp"},
        {"optimizer.momentum": "0.0"},
        {"schedule": "constant"},
    ):
        assert run(**written).id == plain
    assert run(regularization="none", scaling="standard", label_noise="0").id == plain
    assert run(loss="cross_entropy").id == plain  # what auto comes to
    assert (
        run(regularization="l2=0.1,dropout=0.5").id == run(regularization="dropout=0.50,l2=1e-1").id
    )


def test_the_data_and_a_methods_version_change_the_id(monkeypatch: pytest.MonkeyPatch) -> None:

    from research.registry import OPTIMIZERS, REGULARIZERS

    plain, dropped = run().id, run(regularization="dropout=0.5").id
    other = images(rows=66)
    other = dataclasses.replace(other, spec=dataclasses.replace(other.spec, fingerprint="other"))
    assert Planner(lambda config: other).runs([BASE])[0].id != plain
    for registry, name in ((OPTIMIZERS, "sgd"), (REGULARIZERS, "dropout")):
        raised = dataclasses.replace(registry.get(name), version=2)
        monkeypatch.setitem(registry._entries, name, raised)
    fresh = Planner(lambda config: images())
    assert fresh.runs([{**BASE, "regularization": "dropout=0.5"}])[0].id != dropped
    assert fresh.runs([BASE])[0].id != plain
    monkeypatch.undo()
    monkeypatch.setitem(
        REGULARIZERS._entries,
        "dropout",
        dataclasses.replace(REGULARIZERS.get("dropout"), version=2),
    )
    assert Planner(lambda config: images()).runs([BASE])[0].id == plain  # it is not used


def test_the_path_of_a_csv_is_no_science(tmp_path: Path) -> None:
    from tests.support.engine import bundled

    ids = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / f"{folder}.csv"
        file.write_text("u,v,y\n" + "".join(f"{i}.5,{i % 7},{i % 2}\n" for i in range(40)))
        settings = {"dataset": f"csv:{file}", "dataset.target": "y", "batch_size": 4}
        ids.append(bundled(str(tmp_path / f"cache_{folder}")).runs([settings])[0].id)
    assert ids[0] == ids[1]


# Law 8: no setting is silently ignored
# -----------------------------------------------------------------


def test_a_setting_that_nothing_uses_is_an_error() -> None:
    with pytest.raises(UserError, match=r"optimizer\.momentum is not used"):
        planned({"optimizer": "adam", "optimizer.momentum": 0.9})
    with pytest.raises(UserError, match=r"arch\.channels"):
        planned({"arch.channels": "3,4"})


def test_a_setting_that_one_arm_uses_is_not() -> None:
    sgd, adam = planned(
        {"optimizer.momentum": 0.9}, {"optimizer": "adam", "optimizer.momentum": 0.9}
    )
    assert sgd.config.optimizer["momentum"] == 0.9
    assert adam.id == planned({"optimizer": "adam"})[0].id


def test_a_sweep_is_kept_by_name(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sweep = SweepSpec([{"seed": 1}], ["learning_rate"])
    sweep.save(store, "mine", [])
    assert SweepSpec.load(store, "mine") == sweep
    with pytest.raises(UserError, match="did you mean mine"):
        SweepSpec.load(store, "mien")


def test_what_a_part_says_against_a_number_is_asked_of_every_run() -> None:
    """Also of those whose program was planned before with numbers that could be."""
    of_units = {**BASE, "task": "reconstruction", "arch": "autoencoder", "arch.output": "sigmoid"}
    of_units = {key: value for key, value in of_units.items() if key != "arch.hidden"}
    sound = planner().runs(
        [{**of_units, "scaling": "minmax"}, {**BASE, "regularization": "scale(0.8,1.2)"}]
    )
    assert len(sound) == 2
    with pytest.raises(UserError, match="scaling"):
        planner().runs([{**of_units, "scaling": "standard"}])
    with pytest.raises(UserError, match="the wrong way round"):
        planner().runs([{**BASE, "regularization": "scale(1.2,0.8)"}])


def test_rows_that_are_the_same_runs_are_said_to_be() -> None:
    """As two copies of a data file, or an arm that writes a default out."""
    a, b, other = planned({"seed": 0}, {"seed": 1}, {"seed": 0, "learning_rate": 0.1})
    arms = [("first", a), ("first", b), ("copy", a), ("copy", b), ("half", a), ("other", other)]
    assert same(arms) == ["first and copy are the same runs: what differs in them changes nothing."]
    assert same([("a", a), ("b", b)]) == []


def test_runs_of_different_tasks_are_not_compared() -> None:
    with pytest.raises(
        UserError, match=r"different metrics: accuracy \(dataset=.*\) and mse \(dataset="
    ):
        check_comparable([run(), run(regression=True)])
    check_comparable([run(), run(loss="hinge")])


def test_a_seed_of_one_request_alone_is_no_unused_setting() -> None:
    assert len(planner().runs([BASE, {**BASE, "seed": 1}])) == 2
