"""Configs: flat text and back over the registries, what is refused, and which leaves are
numbers."""

import json
from typing import Any

import pytest

import research.catalogue  # noqa: F401
from research import config as config_lib
from research import identity
from research.config import NUMERIC, RunConfig, resolve
from research.errors import UserError
from research.registry import (
    ACTIVATIONS,
    ARCHITECTURES,
    LOSSES,
    OPTIMIZERS,
    REGULARIZERS,
    SCHEDULES,
)
from tests.support.engine import acts_on, member

SETTINGS: list[dict[str, Any]] = [{}]
SETTINGS += [{"optimizer": entry.name} for entry in OPTIMIZERS]
SETTINGS += [{"schedule": entry.name} for entry in SCHEDULES]
SETTINGS += [
    {"arch": entry.name} | {f"arch.{k}": v for k, v in entry.test_options.items()}
    for entry in ARCHITECTURES
]
SETTINGS += [{"arch.activation": entry.name} for entry in ACTIVATIONS]
SETTINGS += [{"loss": entry.name} for entry in LOSSES]
SETTINGS += [{"regularization": member(entry), **acts_on(entry)} for entry in REGULARIZERS]
SETTINGS += [
    {
        "batch_size": "full",
        "train_size": 100,
        "split": "4:1",
        "split_seed": 3,
        "label_noise": "0.2",
    },
    {
        "optimizer": (
            "chain(clip_by_global_norm(1.0), scale_by_adam(b1=0.8), add_decayed_weights(1e-4))"
        )
    },
    {"schedule": "cosine", "schedule.warmup": "5%", "schedule.end": "0.1"},
    {"regularization": "elastic_net(l1=1e-4,l2=2e-4),dropout=0.1", "regularization.max_norm": "2"},
]


@pytest.mark.parametrize(
    "settings", SETTINGS, ids=lambda s: ",".join(f"{k}={v}" for k, v in s.items()) or "defaults"
)
def test_flat_resolves_to_the_same_config(settings: dict[str, Any]) -> None:
    config, unused = resolve(settings)
    assert not unused
    texts = config_lib.to_flags(config)
    assert json.loads(json.dumps(texts)) == texts
    again, unused = resolve(texts)
    assert again == config
    assert not unused
    assert hash(again) == hash(config)


def test_defaults() -> None:
    assert resolve({})[0] == RunConfig(**{n: getattr(resolve({})[0], n) for n in config_lib.FIELDS})
    assert all(leaf.default for leaf in config_lib.leaves(resolve({})[0]))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "809b0322aa2a02a9"),
        (
            {
                "arch": "cnn",
                "optimizer": "adam",
                "regularization": "dropout=0.5,batch_norm",
                "epochs": 3,
            },
            "49fb169024774e12",
        ),
    ],
    ids=["defaults", "a cnn"],
)
def test_run_ids_stay(settings: dict[str, Any], expected: str) -> None:
    """Records are found by these: a new flag must leave them alone (a new version of an entry used
    here may not)."""
    assert identity.run_id(resolve(settings)[0], "data") == expected


def test_numbers_are_lane_values() -> None:
    config, _ = resolve(
        {
            "regularization": "dropout=0.5",
            "optimizer.momentum": "0.9",
            "schedule.warmup": "5",
            "learning_rate": "0.1",
        }
    )
    numbers = config_lib.numeric(config)
    expected = {
        "learning_rate": 0.1,
        "label_noise": 0.0,
        "boost_rate": 1.0,
        "optimizer.momentum": 0.9,
        "regularization.dropout.rate": 0.5,
    }
    assert numbers == expected
    static = {leaf.path for leaf in config_lib.leaves(config) if leaf.kind != NUMERIC}
    assert {"arch", "arch.hidden", "optimizer", "epochs", "batch_size"} <= static
    changed, _ = resolve(
        {
            "regularization": "dropout=0.1",
            "optimizer.momentum": "0.1",
            "schedule.warmup": "9",
            "seed": 4,
        }
    )
    assert identity.static_id(changed) == identity.static_id(config)


def test_nested_settings_of_other_parts_are_reported() -> None:
    assert resolve({"optimizer": "adam", "optimizer.momentum": 0.9})[1] == {"optimizer.momentum"}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"learning_rat": 1}, "did you mean learning_rate"),
        ({"epochs.x": 1}, "unknown setting"),
        ({"optimizer": "sdg"}, "did you mean sgd"),
        ({"arch": "cmm"}, "unknown architecture"),
        ({"arch.activation": "rellu"}, "did you mean .*relu"),
        ({"loss": "hing"}, "hinge"),
        ({"task": "clasification"}, "classification"),
        ({"scaling": "max"}, "allowed are none, minmax"),
        ({"learning_rate": "0"}, "> 0"),
        ({"learning_rate": "fast"}, "expected a number"),
        ({"epochs": "0"}, ">= 1"),
        ({"batch_size": "0"}, ">= 1, or full"),
        ({"seed": "-1"}, "seed"),
        ({"label_noise": "1.5"}, r"in \[0, 1\]"),
        ({"regularization": "dropout=1"}, r"in \[0, 1\)"),
        ({"regularization": "dropout"}, "dropout needs a value for rate"),
        ({"regularization": "drop=0.5"}, "dropout"),
        ({"regularization": "dropout=0.1,dropout=0.2"}, "twice"),
        ({"regularization": "dropout(0.1,0.2)"}, "too many values"),
        ({"regularization": "dropout(p=0.1)"}, "no option 'p'"),
        (
            {"regularization": "elastic_net(l2=0.1,0.2)"},
            "'0.2' follows a name=value; write it as name=value too",
        ),
        ({"regularization": "elastic_net(0.1,l1=0.2)"}, "sets 'l1' twice"),
        ({"regularization": "layer_norm=1"}, "takes no value"),
        ({"regularization": "dropout=0.1,,l2=1"}, "empty item"),
        ({"regularization.dropout.x": "1"}, "no option 'x'"),
        ({"optimizer": "chain("}, "bracket"),
        ({"optimizer": "chain(scale_by_adamm())"}, "scale_by_adam"),
        ({"schedule": "cosine", "schedule.warmup": "soon"}, "duration"),
    ],
    ids=str,
)
def test_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        resolve(settings)
    assert "\n" not in str(caught.value)


def test_options_of_data_sets_have_short_names() -> None:
    short, _ = resolve({"dataset": "csv:t.csv", "target": "y", "drop": "a,b"})
    long, _ = resolve({"dataset": "csv:t.csv", "dataset.target": "y", "dataset.drop": "a,b"})
    assert short == long
    with pytest.raises(
        UserError, match=r"target is short for dataset\.target; leave one of them out"
    ):
        resolve({"dataset": "csv:t.csv", "target": "y", "dataset.target": "y"})


def test_a_part_takes_its_options_in_brackets() -> None:
    bracketed, _ = resolve({"optimizer": "adam(b1=0.8)", "arch": "mlp(hidden=[8,4])"})
    apart, _ = resolve({"optimizer": "adam", "optimizer.b1": "0.8", "arch.hidden": "8,4"})
    assert bracketed == apart


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "adam(beta=0.8)"}, "adam has no option 'beta'"),
        ({"optimizer": "adam(b1=0.8)", "optimizer.b1": "0.9"}, "sets optimizer.b1 already"),
        ({"optimizer": "adan(b1=0.8)"}, "did you mean adam"),
        ({"arch": "mlp(hidden=8,4)"}, r"a list as name=\[1,2\]"),
    ],
)
def test_wrong_options_in_brackets_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        resolve(settings)
