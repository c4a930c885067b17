"""Runs that start from another's parameters: what they take over, what is frozen, what is drawn
anew."""

import itertools
import re
from typing import Any

import jax
import numpy as np
import pytest

from research import param_tree
from research.errors import UserError
from research.registry import OPTIMIZERS, REGULARIZERS
from research.sweeps.plan.run_plan import PlannedRun
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import loop
from research.training.engine.chunk import PackSetup
from research.training.setup.warm_start import InitialWeights, check_initial_weights
from research.training.step.state import Variables
from tests.support.engine import (
    acts_on,
    assert_same_bits,
    data_of,
    lane,
    member,
    run,
    start,
    steps,
    train,
)
from tests.support.observing import taking

FROZEN = "HiddenDense_0/"


UPDATES = [
    entry
    for entry in REGULARIZERS
    if entry.slot in ("update", "projection", "average", "parameters", "loss")
]
# Each optimizer beside one of them, as far as they go; l1_prox comes with gradient descent alone.
UPDATES.sort(key=lambda entry: entry.site == "proximal")
CASES: list[dict[str, Any]] = [
    ({"regularization": member(entry), **acts_on(entry)} if entry else {})
    | ({"optimizer": optimizer.name, "learning_rate": 0.01} if optimizer else {})
    for optimizer, entry in itertools.zip_longest(OPTIMIZERS, UPDATES)
]


def initial(of: PlannedRun) -> Variables:
    """The variables before the first step, of one lane."""
    with of.program.precision_context():
        return lane(jax.device_get(start([of], 1).state.variables), 0)


def trained(of: PlannedRun) -> Variables:
    """The variables after three steps."""
    with of.program.precision_context():
        return lane(steps([of], 1), 0)


@pytest.mark.parametrize(
    "settings", CASES, ids=lambda s: f"{s.get('optimizer')}-{s.get('regularization')}"
)
def test_nothing_moves_what_is_frozen(settings: dict[str, Any]) -> None:
    """Neither decay, projection, noise nor a mean's rounding; and the other leaves do move."""
    of = run(**settings, freeze=FROZEN)
    before, states = epoch_of(of)
    begun = param_tree.by_name(before.params)
    frozen = [name for name in begun if name.startswith(FROZEN)]
    assert frozen
    for ended in (param_tree.by_name(state.params) for state in states):
        assert_same_bits([ended[name] for name in frozen], [begun[name] for name in frozen])
        assert any(
            not np.array_equal(ended[name], begun[name]) for name in begun if name not in frozen
        )


@pytest.mark.parametrize("average", ["ema=0.9", "swa=0.5"])
def test_a_frozen_layer_keeps_its_running_statistics(average: str) -> None:
    """In the mean too; those of the layer behind it move."""
    before, states = epoch_of(run(regularization=f"batch_norm,{average}", freeze=FROZEN))
    begun = param_tree.by_name(before.batch_stats)
    assert {name.startswith(FROZEN) for name in begun} == {True, False}
    for ended in (param_tree.by_name(state.batch_stats) for state in states):
        assert {name for name in begun if np.array_equal(ended[name], begun[name])} == {
            name for name in begun if name.startswith(FROZEN)
        }


def epoch_of(of: PlannedRun) -> tuple[Variables, tuple[Variables, Variables]]:
    """The variables before an epoch, and after it with what evaluation uses of them, [1, ...] on
    the host."""
    with of.program.precision_context():
        (chunk,) = chunk_lib.start(
            of.program, [of.config], data_of(of).data, ExecutionStrategy(1, 5)
        )
        before = jax.tree.map(np.array, jax.device_get(chunk.state.variables))
        loop.run_epoch(of.program, [chunk], ExecutionStrategy(1, 5), 0)
        return before, jax.device_get((chunk.state.variables, chunk.state.evaluated))


def test_freezing_is_of_the_program_and_the_others_are_not() -> None:
    plain, frozen = run(), run(freeze=FROZEN)
    assert plain.program != frozen.program
    assert plain.id != frozen.id
    assert run(freeze="none", reset="none", init_from="none").id == plain.id


def test_lanes_start_from_different_runs() -> None:
    """Each as it does alone, bit for bit; with an optimizer and a mean that begin at the
    parameters."""
    sources = [trained(run(seed=seed)) for seed in (5, 6)]
    ids = ["0" * 16 + ":last", "1" * 16 + ":last"]
    runs = [
        run(init_from=of, regularization="ema=0.5", optimizer="adam", learning_rate=0.01)
        for of in ids
    ]
    assert runs[0].program == runs[1].program
    assert runs[0].id != runs[1].id
    origins = [InitialWeights(of, source) for of, source in zip(ids, sources, strict=True)]
    program, data = runs[0].program, data_of(runs[0]).data
    setup = PackSetup(origins=origins)
    with program.precision_context():
        (chunk,) = chunk_lib.start(
            program, [r.config for r in runs], data, ExecutionStrategy(2, 5), setup
        )
        for place, source in enumerate(sources):
            for tree in (chunk.state.variables, chunk.state.mean):
                assert_same_bits(lane(jax.device_get(tree), place), source)
    together = loop.train(program, [r.config for r in runs], data, ExecutionStrategy(2, 5), setup)
    alone = [
        loop.train(program, [r.config], data, ExecutionStrategy(2, 5), PackSetup(origins=[o]))[0]
        for r, o in zip(runs, origins, strict=True)
    ]
    assert repr(together) == repr(alone)
    assert together[0].checksums != together[1].checksums


def test_a_resumed_run_needs_no_origin_in_its_state() -> None:
    of = run(init_from="0" * 16 + ":last")
    origins, strategy, taken = (
        [InitialWeights("run 0", trained(run(seed=3)))],
        ExecutionStrategy(1, 2),
        {},
    )

    arguments = (of.program, [of.config], data_of(of).data, strategy)
    whole = loop.train(*arguments, PackSetup(origins=origins), taking(taken))
    assert repr(loop.train(*arguments, PackSetup(origins=origins, resume=taken[7]))) == repr(whole)
    assert repr(whole) != repr(train([run()], 1))


def test_without_an_origin_it_does_not_train() -> None:
    with pytest.raises(ValueError, match="starts from 0000000000000000:last"):
        train([run(init_from="0" * 16 + ":last")], 1)


def test_what_is_reset_is_drawn_as_without_an_origin() -> None:
    of = run(init_from="0" * 16 + ":last", reset="^Dense_0/", regularization="batch_norm")
    source, fresh = (
        trained(run(regularization="batch_norm", seed=4)),
        initial(run(regularization="batch_norm")),
    )
    begun = jax.device_get(InitialWeights("it", source, of.config.reset).merge(fresh))
    for part in ("params", "batch_stats"):
        for name, leaf in param_tree.by_name(getattr(begun, part)).items():
            expected = fresh if name.startswith("Dense_0/") else source
            assert_same_bits(leaf, param_tree.by_name(getattr(expected, part))[name])


def test_another_number_of_classes_is_said_and_can_be_reset() -> None:
    of = run(init_from="0" * 16 + ":last")
    source = trained(run())
    other = Variables(
        {**source.params, "Dense_0": {"kernel": np.zeros((8, 7)), "bias": np.zeros(7)}}, {}
    )
    with pytest.raises(
        UserError, match=r"Dense_0/kernel \(\[8, 7\] there, \[8, 3\] here\)"
    ) as caught:
        check_initial_weights(of.config, of.program, InitialWeights("run 0", other))
    pattern = re.search(r"--reset='(.*)'", str(caught.value))
    assert pattern is not None
    check_initial_weights(of.config, of.program, InitialWeights("run 0", other, pattern[1]))


def test_leaves_that_one_of_the_two_lacks_are_said() -> None:
    of = run(init_from="0" * 16 + ":last", regularization="batch_norm")
    with pytest.raises(UserError, match=r"mean \(absent there, \[8\] here\)"):
        check_initial_weights(of.config, of.program, InitialWeights("run 0", trained(run())))
    plain = run(init_from="0" * 16 + ":last")
    with pytest.raises(UserError, match=r"scale \(\[8\] there, absent here\)"):
        check_initial_weights(
            plain.config,
            plain.program,
            InitialWeights("run 0", trained(run(regularization="batch_norm"))),
        )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"freeze": "Conv"},
            "matches none of the parameters: Dense_0/bias, Dense_0/kernel, HiddenDense_0/",
        ),
        ({"freeze": "("}, "is not a regular expression"),
        ({"freeze": ".*"}, "leaves nothing to train"),
        (
            {"reset": ".", "init_from": "0" * 16 + ":last"},
            "leaves nothing of 0000000000000000:last",
        ),
        ({"reset": "Dense"}, "without it there is nothing to reset"),
        ({"reset": "foo", "init_from": "0" * 16 + ":last"}, "reset='foo' matches none"),
    ],
)
def test_patterns_that_cannot_be_meant(settings: dict[str, str], says: str) -> None:
    with pytest.raises(UserError, match=re.escape(says)):
        run(**settings)
