"""No setting without an effect: what acts on kernels needs some, and batch norm more than one
value."""

from typing import Any

import numpy as np
import pytest

from research.errors import UserError
from research.registry import REGULARIZERS, Regularizer
from research.sweeps.plan.run_planner import Planner
from research.training.devices import batch_layout
from research.training.setup import rows_read
from research.training.setup.effects import site_of
from research.training.setup.program import Sizes
from tests.support.engine import TABLE, member, run

ON_KERNELS = [entry for entry in REGULARIZERS if site_of(entry) == "kernels"]
IN_TRAINING = [entry for entry in ON_KERNELS if entry.slot != "parameters"]
POINT = {"dataset": "quadratic", "arch": "point", "task": "reconstruction", "scaling": "none"}


def named(entries: list[Regularizer]) -> Any:
    return pytest.mark.parametrize("entry", entries, ids=lambda entry: entry.name)


def point(**settings: Any) -> None:
    Planner(lambda config: TABLE).runs(
        [{"batch_size": 8, "split": "4:1:1", "split_seed": 0, **POINT, **settings}]
    )


def test_what_acts_on_kernels() -> None:
    assert {entry.name for entry in ON_KERNELS} == {
        *("weight_noise", "weight_norm", "dropconnect", "l1", "l2", "elastic_net"),
        *("weight_decay", "independent_decay", "max_norm", "unit_norm", "l1_prox"),
    }


@named(ON_KERNELS)
def test_a_network_without_kernels_has_nothing_for_it(entry: Regularizer) -> None:
    with pytest.raises(UserError, match=f"^{entry.name} acts on kernels .* arch=point has none"):
        point(regularization=member(entry))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"optimizer": "adamw"},
            "adamw decays kernels (weight_decay=0.01), and arch=point has none; write",
        ),
        (
            {"optimizer": "lamb", "optimizer.weight_decay": 0.1},
            "lamb decays kernels (weight_decay=0.1)",
        ),
        (
            {"optimizer": "chain(add_decayed_weights(0.1))"},
            "write --optimizer.add_decayed_weights.weight_decay=0",
        ),
        ({"optimizer": "muon"}, "it would be adam; write --optimizer=adam"),
        ({"optimizer": "adamw", "optimizer.weight_decay": 0}, ""),
        ({"optimizer": "lamb"}, ""),
        ({"regularization": "clip_norm=1,gradient_noise=0.1,ema=0.9"}, ""),
    ],
)
def test_an_optimizer_has_kernels_to_decay(settings: dict[str, Any], said: str) -> None:
    if not said:
        point(**settings)
        return
    with pytest.raises(UserError) as error:
        point(**settings)
    assert said in str(error.value)


@named(ON_KERNELS)
def test_frozen_kernels_are_not_regularized(entry: Regularizer) -> None:
    """But what changes a kernel where it is used acts on frozen ones too."""
    settings = {"regularization": member(entry), "freeze": "kernel"}
    if entry not in IN_TRAINING:
        run(**settings)
        return
    with pytest.raises(
        UserError, match=f"{entry.name} acts on kernels, and freeze='kernel' leaves none to train"
    ):
        run(**settings)
    run(**{**settings, "freeze": "^HiddenDense_0/"})


# 40 training rows.
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batch_size": 1}, "an update of batch_size=1 leaves it one row"),
        (
            {"batch_size": 13, "remainder": "pad"},
            "the last of the 40 training rows in batches of 13 leaves it one row",
        ),
        (
            {"batch_size": 3, "accumulate": 2},
            "an update of batch_size=3, in accumulate=2 parts, leaves it one row",
        ),
        (
            {"batch_size": 12, "remainder": "pad", "accumulate": 4},
            "of 12, in accumulate=4 parts, leaves it one row",
        ),
        ({"batch_size": 13}, ""),
        ({"batch_size": 19, "remainder": "pad"}, ""),  # the last has two rows
        ({"batch_size": 13, "remainder": "pad", "regularization": "layer_norm"}, ""),
        ({"batch_size": 1, "freeze": "^HiddenDense"}, ""),  # normalizes by running statistics
        (
            {"batch_size": 1, "freeze": "^HiddenDense_0"},
            "an update of batch_size=1 leaves it one row",
        ),
        ({"batch_size": 1, "arch": "fcn", "arch.channels": (2, 3)}, ""),
    ],
)
def test_batch_norm_of_one_row_is_refused_when_it_is_planned(
    settings: dict[str, Any], said: str
) -> None:
    settings = {"regularization": "batch_norm", **settings}
    if not said:
        run(**settings)
        return
    with pytest.raises(
        UserError, match="batch norm over one value per channel gives only zeros"
    ) as error:
        run(**settings)
    assert said in str(error.value)


@pytest.mark.parametrize("parts", [1, 2, 3])
@pytest.mark.parametrize("remainder", ["drop", "pad"])
@pytest.mark.parametrize("train", [21, 22, 25])
def test_the_rows_of_parts_are_those_with_a_weight(train: int, remainder: str, parts: int) -> None:
    """As the layout marks them, of every update of an epoch in batches of 7."""
    sizes = Sizes(train, 0, 0, 7, remainder)
    marked = batch_layout.batch_masks(sizes, parts, 1, 0, 0, sizes.steps_per_epoch)
    rows = len(batch_layout.example_positions(7, parts)[0])
    weight = np.asarray(marked.get("weight", np.ones((sizes.steps_per_epoch, rows))))
    counts = weight.reshape(sizes.steps_per_epoch, parts, -1).sum(axis=2)
    assert batch_layout.real_rows(sizes, parts) == {int(count) for count in counts.ravel()} - {0}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, []),
        ({"reshuffle_each_epoch": False, "batch_size": 8}, []),
        ({"reshuffle_each_epoch": False, "batch_size": 12, "remainder": "pad"}, []),
        # Folds of 51 and 52 training rows: a batch has all rows of each.
        (
            {
                "reshuffle_each_epoch": False,
                "batch_size": "full",
                "split": "kfold(7)",
                "fold": 0,
            },
            [],
        ),
        (
            {"reshuffle_each_epoch": False, "batch_size": 12},
            [
                "reshuffle_each_epoch=false reads the same 36 of the 40 training rows in every"
                " epoch: the other 4 fill no batch of 12; --remainder=pad reads them too"
            ],
        ),
    ],
)
def test_rows_that_are_never_read_are_said(settings: dict[str, Any], said: list[str]) -> None:
    assert rows_read.notes(run(**settings).program) == said
