"""Designs: each recovers known effects; their arms, labels and refusals."""

import dataclasses

import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.errors import UserError
from research.registry import Entry
from research.sweeps.column import Column
from research.sweeps.declare import designs, factor_arms, selection
from research.sweeps.experiment import Experiment

FACTORS = {
    "L2": {"regularization": "l2=0.1"},
    "dropout": {"regularization": "dropout=0.5"},
    "adam": {"optimizer": "adam", "learning_rate": "0.001"},
}


def declared(design: str = "", **more) -> Experiment:
    return Experiment(
        "e", "", {"dataset": "digits"}, columns=[Column("acc", "test/accuracy")],
        factors=FACTORS, design=design, **more,
    )  # fmt: skip


@pytest.mark.parametrize("entry", list(designs.DESIGNS), ids=lambda entry: entry.name)
@pytest.mark.parametrize("options", [{}, {"orders": 4}], ids=["default", "orders"])
def test_every_design_recovers_additive_effects(entry: Entry, options: dict) -> None:
    """Where nothing interacts every contrast is its gain; 1e-12 is float64 rounding."""
    if options and entry.option("orders") is None:
        return
    gains = np.array([3.0, -2.0, 0.5, 1.0])
    design = entry.build(count=4, seeds=3, **options)
    values = 7 + design.on @ gains
    estimates = design.contrasts @ values
    for index, effect in enumerate(design.effects):
        truth = gains[effect.factors[0]] if len(effect.factors) == 1 else 0.0
        np.testing.assert_allclose(estimates[:, index], truth, atol=1e-12)


def test_only_a_full_design_sees_what_factors_do_together() -> None:
    # Worth 4 together and nothing alone.
    full = designs.design("full", 2, 1)
    worth = 4.0 * full.on.all(1)
    found = dict(
        zip([(e.kind, e.factors) for e in full.effects], full.contrasts[0] @ worth, strict=True)
    )
    assert found == {
        ("main effect", (0,)): 2.0,
        ("main effect", (1,)): 2.0,
        ("interaction", (0, 1)): 4.0,
        ("Shapley value", (0,)): 2.0,
        ("Shapley value", (1,)): 2.0,
    }
    alone = designs.design("one_at_a_time", 2, 1)
    assert (alone.contrasts[0] @ (4.0 * alone.on.all(1)) == 0).all()
    beside = designs.design("leave_one_out", 2, 1)
    assert (beside.contrasts[0] @ (4.0 * beside.on.all(1)) == 4).all()


def test_the_arms_of_a_small_design_have_the_plain_settings() -> None:
    experiment = declared("leave_one_in")
    assert experiment.baseline == "nothing"
    assert experiment.arms == {
        "nothing": {},
        "L2": {"regularization": "l2=0.1"},
        "dropout": {"regularization": "dropout=0.5"},
        "adam": {"optimizer": "adam", "learning_rate": "0.001"},
        "all": {
            "regularization": "l2=0.1,dropout=0.5",
            "optimizer": "adam",
            "learning_rate": "0.001",
        },
    }


def test_the_arms_of_all_combinations_share_a_program() -> None:
    arms = declared("full").arms
    assert len(arms) == 8
    assert arms["nothing"] == {"regularization": "l2(strength=[0]),dropout(rate=[0])"}
    assert arms["dropout + adam"]["regularization"] == "l2(strength=[0]),dropout=0.5"


def test_regularizers_of_the_base_stay() -> None:
    arm = factor_arms.combined({"regularization": "ema=0.9"}, FACTORS, [True, False, False], False)
    assert arm == {"regularization": "ema=0.9,l2=0.1"}


@pytest.mark.parametrize(
    ("on", "label"),
    [
        ((0, 0, 0, 0), "nothing"), ((1, 1, 1, 1), "all"), ((1, 1, 0, 1), "all but c"),
        ((0, 1, 1, 0), "b + c"), ((0, 0, 0, 1), "d"),
    ],
)  # fmt: skip
def test_labels(on, label) -> None:
    assert factor_arms.label("abcd", on) == label


def test_drawn_orders_train_each_arm_on_the_seeds_that_need_it() -> None:
    experiment = declared("shapley(orders=2)", seeds=4)
    requests = selection.requests(experiment, {})
    seeds = {label: [r["seed"] for r in of_arm] for label, of_arm in requests.items()}
    assert seeds["nothing"] == seeds["all"] == [0, 1, 2, 3]
    for seed in range(4):
        row = experiment.combinations.contrasts[seed]
        used = [label for label, column in zip(experiment.arms, row.T, strict=True) if column.any()]
        assert {label for label in seeds if seed in seeds[label]} == {*used, "nothing", "all"}
    fewer = dataclasses.replace(experiment, seeds=2)
    assert set(fewer.arms) <= set(experiment.arms)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"design": "ful"}, "unknown design 'ful'; did you mean full?"),
        ({"design": "full(resolution=4)"}, "full has no options"),
        ({"design": "fractional(resolution=2)"}, "resolution=2"),
        ({"design": "shapley(orders=3)"}, "give an even number"),
        ({"arms": {"a": {}}}, "has both arms and factors"),
        ({"factors": {}, "design": "full"}, "design='full' and no factors"),
        (
            {"factors": {"a": {"optimizer": "adam"}, "b": {"optimizer": "sgd"}}},
            "the factors 'a' and 'b' both set optimizer",
        ),
        ({"factors": {"a": {}}, "design": "leave_one_in"}, "makes the same row of a twice"),
        ({"factors": {}}, "has no arms"),
        ({"factors": {str(i): {} for i in range(11)}, "design": "full"}, "2,048 rows"),
    ],
)
def test_what_does_not_fit_is_refused(more, words) -> None:
    settings = {"base": {}, "factors": FACTORS, "columns": ()} | more
    with pytest.raises(UserError) as error:
        Experiment("e", "", **settings)
    assert words in str(error.value)
