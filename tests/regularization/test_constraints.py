"""What members say about a config that does not suit them."""

from types import SimpleNamespace
from typing import Any

import pytest

from research.config import Component
from research.data.features.image import Image
from research.data.features.label import Label
from research.data.features.number import Number
from research.data.features.table_columns import TableColumns
from research.data.spec import DataSpec
from research.registry import ARCHITECTURES, REGULARIZERS, load_package

load_package("research.models")
load_package("research.regularization")

LABELS = Label(names=("a", "b"))
IMAGES = DataSpec("images", "classification", Image((8, 8, 1)), LABELS, 9, 0, "f")
SGD = Component("sgd")
TABLE = DataSpec("table", "regression", TableColumns((4,)), Number(), 9, 0, "f")


def problems(
    name: str, *others: str, optimizer: Component = SGD, arch: str = "cnn", spec: Any = IMAGES
) -> list[str]:
    config = SimpleNamespace(
        dataset=Component("a_dataset"),
        task="auto",
        arch=Component(arch),
        optimizer=optimizer,
        regularization=tuple(Component(n) for n in (name, *others)),
    )
    found = (constraint(config, spec) for constraint in REGULARIZERS.get(name).constraints)
    return [problem for problem in found if problem]


@pytest.mark.parametrize("name", REGULARIZERS.names())
def test_alone_on_images_with_sgd_all_are_fine(name: str) -> None:
    assert "cnn" in ARCHITECTURES
    assert problems(name) == []


@pytest.mark.parametrize(
    "name",
    ["shift", "crop", "flip", "cutout", "cutmix", "rotation", "scale", "colour", "random_erasing"],
)
def test_images_only(name: str) -> None:
    assert f"{name} is for images, but a_dataset has a table of 4 numbers" in problems(
        name, spec=TABLE
    )


@pytest.mark.parametrize("name", ["label_smoothing", "cutmix"])
def test_of_classes(name: str) -> None:
    assert f"{name} mixes class probabilities; the task is regression" in problems(name, spec=TABLE)


def test_instance_norm_needs_feature_maps() -> None:
    (problem,) = problems("instance_norm", arch="mlp")
    assert "arch=mlp has none, arch=cnn has" in problem


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("weight_norm", "max_norm"),
        ("weight_norm", "unit_norm"),
        ("weight_norm", "l1_prox"),
        ("max_norm", "unit_norm"),
    ],
)
def test_exclusive_pairs(name: str, other: str) -> None:
    (problem,) = problems(name, "dropout", other)
    assert problem.startswith(f"{name} and {other} exclude each other: ")


@pytest.mark.parametrize("name", ["weight_decay", "independent_decay"])
def test_decay_comes_once(name: str) -> None:
    (problem,) = problems(name, optimizer=Component("adamw", (("weight_decay", 0.01),)))
    assert problem.startswith(f"{name} with adamw (weight_decay=0.01) decays twice")
    assert problems(name, optimizer=Component("adamw", (("weight_decay", 0.0),))) == []
    (problem,) = problems(
        name, optimizer=Component("chain(…)", (("add_decayed_weights.weight_decay", 0.01),))
    )
    assert problem.endswith("as in optimizer.add_decayed_weights.weight_decay=0")


def test_l1_prox_needs_the_gradient_itself() -> None:
    (problem,) = problems("l1_prox", optimizer=Component("adam"))
    assert "use optimizer=sgd, not adam" in problem
    (problem,) = problems(
        "l1_prox", optimizer=Component("sgd", (("momentum", 0.9), ("style", "heavy_ball")))
    )
    assert "use optimizer.style=average" in problem
    assert (
        problems("l1_prox", optimizer=Component("sgd", (("momentum", 0.9), ("style", "average"))))
        == []
    )
