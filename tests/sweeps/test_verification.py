"""Verification: what repeats is identical, and what does not is found, by epoch, step and array."""

import dataclasses
import functools
import math
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from research import config as config_lib
from research.analysis.verification_text import intent, location, verdict
from research.errors import UserError
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.records import verification
from research.sweeps.records.provenance import provenance
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.sweeps.records.verification import (
    Rerun,
    Verification,
    localize,
    lookup,
    run_of,
    trial,
    verify,
)
from research.training.devices.chunk_functions import ChunkFunctions
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import dispatch_size, loop
from tests.support.engine import data_of, planner, run, train

WIDTH, STEPS = 4, 2


@functools.cache
def recorded(**settings: Any) -> tuple[PlannedRun, Record]:
    """A run with two others beside it, and its record."""
    runs = [run(**settings), run(**settings | {"seed": 7}), run(**settings | {"seed": 8})]
    outcome, *_ = train(runs, WIDTH, STEPS)
    return runs[0], Record(
        runs[0].id,
        "finished" if outcome.diverged_at is None else "diverged",
        config_lib.to_flags(runs[0].config),
        outcome.metrics,
        outcome.curves,
        outcome.checksums,
        steps=outcome.steps,
        diverged_at=outcome.diverged_at,
        provenance=provenance(ExecutionStrategy(WIDTH, STEPS, 2), 3, 1.0, 0.0),
    )


def verified(
    record: Record, own: PlannedRun, steps: int | None = None
) -> tuple[Rerun, Verification]:
    asked = trial(record, own, steps)
    return asked, verify(asked, data_of(own).data)


def elsewhere(record: Record, **changes: Any) -> Record:
    return dataclasses.replace(record, provenance={**record.provenance, **changes})


@pytest.mark.parametrize(
    "settings",
    [
        {
            "regularization": "dropout=0.5,batch_norm,ema=0.9",
            "optimizer": "adam",
            "learning_rate": 0.01,
        },
        {"regularization": "early_stopping(1,min_delta=10)"},
        {"learning_rate": 1e30},
        {"label_noise": 0.3, "remainder": "pad", "batch_size": 16},
    ],
    ids=["slots", "stopped", "diverged", "padded"],
)
def test_a_run_that_repeats_is_identical(settings: dict[str, Any]) -> None:
    own, record = recorded(**settings)
    asked, found = verified(record, own)
    assert found.verdict == "identical", found
    assert asked.whole
    assert asked.epochs == len(record.checksums)
    assert (found.outcome.metrics, found.outcome.diverged_at) == (
        record.metrics,
        record.diverged_at,
    )
    assert next(verdict(asked, found)).endswith("bit for bit")


def test_settings_end_as_their_names_say() -> None:
    assert len(recorded(regularization="early_stopping(1,min_delta=10)")[1].checksums) == 2
    assert recorded(learning_rate=1e30)[1].status == "diverged"


def test_it_trains_at_the_recorded_way_with_idle_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    own, record = recorded()
    seen = []
    advance = ChunkFunctions.advance

    def spy(functions: Any, states: Any, lanes: Any, batches: Any, *rest: Any) -> Any:
        seen.append((states.step.shape, batches["x"].shape[:2]))
        return advance(functions, states, lanes, batches, *rest)

    monkeypatch.setattr(ChunkFunctions, "advance", spy)
    asked, found = verified(record, own)
    assert found.verdict == "identical"
    assert asked.strategy == ExecutionStrategy(WIDTH, STEPS, 2)
    assert set(seen) == {((WIDTH,), (WIDTH, STEPS))}
    assert "4 lanes (3 idle), 2 steps a dispatch" in list(intent(asked, None))[1]


def test_a_changed_checksum_is_found_at_its_epoch() -> None:
    """A curve that is 1.25 times as large differs by 0.2 of itself, within float64 rounding."""
    own, record = recorded()
    changed = dataclasses.replace(
        record, checksums=[record.checksums[0], "0" * 16, record.checksums[2]]
    )
    asked, found = verified(changed, own)
    assert (found.verdict, found.difference) == ("differs", verification.Difference(2))
    curves = {**record.curves, "train/loss": [record.curves["train/loss"][0], 2.0, 0.5]}
    curves["train/loss"][1] = record.curves["train/loss"][1] * 1.25
    asked, found = verified(dataclasses.replace(changed, curves=curves), own)
    assert found.difference is not None
    assert (found.difference.epoch, found.difference.where) == (2, "train/loss")
    assert found.difference.relative == pytest.approx(0.2)  # 0.25 / 1.25
    assert (
        next(verdict(asked, found))
        == "differs at epoch 2: its curves by up to 0.2 relative, in train/loss"
    )


def test_a_curve_alone_that_differs_by_one_bit_is_found() -> None:
    own, record = recorded()
    values = list(record.curves["train/accuracy"])
    values[2] = float(np.nextafter(np.float32(values[2]), np.float32(0)))
    _, found = verified(
        dataclasses.replace(record, curves={**record.curves, "train/accuracy": values}), own
    )
    assert found.difference is not None
    assert (found.difference.epoch, found.difference.where) == (3, "train/accuracy")
    assert 0 < found.difference.relative < 1.2e-7


def test_the_end_and_the_final_metrics_are_compared() -> None:
    own, record = recorded()
    metrics = {**record.metrics, "test/accuracy": record.metrics["test/accuracy"] / 2}
    asked, found = verified(dataclasses.replace(record, metrics=metrics), own)
    assert found.difference == verification.Difference(None, 0.5, "test/accuracy")
    shorter = dataclasses.replace(
        record, steps=12, diverged_at=12, status="diverged", checksums=record.checksums[:2]
    )
    asked, found = verified(shorter, own)
    assert "at epoch 3: the record diverged at step 12, here it finished after 15 steps" in next(
        verdict(asked, found)
    )


@pytest.mark.parametrize(
    ("steps", "epochs", "whole"), [(1, 1, False), (5, 1, False), (6, 2, False), (11, 3, True)]
)
def test_steps_round_up_to_epochs(steps: int, epochs: int, whole: bool) -> None:
    own, record = recorded()
    late = dataclasses.replace(record, checksums=[*record.checksums[:2], "0" * 16], metrics={})
    asked, found = verified(late, own, steps)
    assert (asked.epochs, asked.whole, len(found.outcome.checksums)) == (epochs, whole, epochs)
    assert found.verdict == ("differs" if whole else "identical")  # only the third epoch's is wrong
    said = list(intent(asked, steps))[2]
    assert said == ("all of it: it has 15 steps, and whole epochs are compared" if whole else said)
    assert whole or f"{epochs * 5} steps" in said


def test_other_versions_are_told_and_compared_to_rounding() -> None:
    own, record = recorded()
    versions = {**record.provenance["versions"], "jaxlib": "0.1", "tensorflow-datasets": "1"}
    other = elsewhere(record, versions=versions, host="there")
    asked = trial(other, own)
    assert [(c.what, c.there, c.exact) for c in asked.changes] == [
        ("jaxlib", "0.1", False),
        ("tensorflow-datasets", "1", True),
        ("host", "there", True),
    ]
    assert not asked.exact
    assert list(intent(asked, None))[2:] == [
        f"not as recorded: jaxlib is {jax.lib.__version__}, was 0.1",
        "bits need not repeat; train/loss of epoch 1 must agree to 1e-05 relative (float32)",
    ]
    for apart, expected in ((9e-6, "equal to rounding"), (2e-5, "differs")):
        loss = [value * (1 + apart) for value in record.curves["train/loss"]]
        curves = {**record.curves, "train/loss": loss}
        asked, found = verified(dataclasses.replace(other, curves=curves), own)
        assert found.verdict == expected
        assert ("within 1e-05" in list(verdict(asked, found))[1]) == (expected != "differs")
        _, at_home = verified(dataclasses.replace(record, curves=curves), own)
        assert at_home.verdict == "differs"  # where bits must repeat, rounding is no excuse
    assert verified(other, own)[1].verdict == "identical"


def test_fewer_devices_than_recorded_are_another_way() -> None:
    own, record = recorded()
    asked = trial(elsewhere(record, width=1, replicas=64), own)
    assert asked.strategy == ExecutionStrategy(1, STEPS, 2, jax.device_count())
    assert not asked.exact
    assert (
        f"devices that share the run is {jax.device_count()}, was 64"
        in list(intent(asked, None))[2]
    )


def unsteady(monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    """From its call of that number on, an update moves one weight by a thousandth that no other
    training has."""
    advance, calls = ChunkFunctions.advance, [0]

    def step(*arguments: Any) -> Any:
        state = advance(*arguments)
        calls[0] += 1
        if calls[0] != call:
            return state
        params = jax.tree.map(lambda leaf: leaf, state.variables.params)
        params["Dense_0"]["kernel"] = params["Dense_0"]["kernel"].at[0, 3, 1].add(1e-3)
        return dataclasses.replace(
            state, variables=dataclasses.replace(state.variables, params=params)
        )

    monkeypatch.setattr(ChunkFunctions, "advance", step)


def test_localize_names_step_and_array(monkeypatch: pytest.MonkeyPatch) -> None:
    """The change of 1e-3 is added to a float32, whose rounding is below 1e-4 of it."""
    own, record = recorded()
    monkeypatch.setattr(dispatch_size, "PIECE_SECONDS", 0.0)  # each update is a piece
    updates = 3 * 5  # of as many epochs
    step = 8
    # The first training makes every update; the second and third then go side by side, an update
    # each in turn.
    changed = dataclasses.replace(record, checksums=["0" * 16, *record.checksums[1:]])
    unsteady(monkeypatch, updates + 2 * step)
    asked, found = verified(changed, own)
    place = localize(asked, found, data_of(own).data)
    assert place.parting is not None
    assert (place.parting.step, place.parting.closing) == (step, False)
    (array,) = place.parting.arrays
    assert (array.path, array.elements, array.size) == ("params/Dense_0/kernel", 1, 8 * 3)
    assert array.absolute == pytest.approx(1e-3, rel=1e-4)
    said = list(location(asked, place))
    assert said[0].endswith("the two part after step 8, in")
    assert said[1].startswith("  params/Dense_0/kernel: 1 of 24 elements, by up to 0.001 (")


def test_localize_tells_a_record_from_elsewhere() -> None:
    own, record = recorded()
    foreign = elsewhere(
        dataclasses.replace(record, checksums=["0" * 16] * 3), host="there", commit="abc"
    )
    asked, found = verified(foreign, own)
    place = localize(asked, found, data_of(own).data)
    assert (place.parting, place.repeats) == (None, True)
    said = list(location(asked, place))
    assert "the record came from elsewhere" in said[0]
    assert "host is " in said[1]
    assert "was there; commit is " in said[1]


def test_localize_tells_what_came_and_went(monkeypatch: pytest.MonkeyPatch) -> None:
    own, record = recorded()
    unsteady(monkeypatch, 1)
    asked, found = verified(record, own, 5)
    assert found.verdict == "differs"
    place = localize(asked, found, data_of(own).data)
    assert (place.parting, place.repeats) == (None, False)
    assert "does not always repeat here" in next(location(asked, place))


def test_lookup_takes_the_beginning_of_an_id(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for run_id in ("aa11" * 4, "aa22" * 4, "bb33" * 4):
        store.write(Record(run_id, "finished", {}))
    assert lookup(store, "bb").run_id == "bb33" * 4
    assert lookup(store, "aa22" * 4).run_id == "aa22" * 4
    with pytest.raises(
        UserError, match="'aa' is the beginning of 2 runs; give the id of one: aa11"
    ):
        lookup(store, "aa")
    with pytest.raises(UserError, match="did you mean bb33bb33bb33bb33"):
        lookup(store, "bb34bb33bb33bb33")
    with pytest.raises(UserError, match="no record of a run ''"):
        lookup(store, "")


def test_what_cannot_be_trained_again_is_refused() -> None:
    own, record = recorded()
    assert run_of(record, planner()) == own
    error = 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: no\n'
    with pytest.raises(UserError, match=r"failed \(ValueError: no\); it has nothing to verify"):
        run_of(dataclasses.replace(record, status="failed", error=error), planner())
    with pytest.raises(UserError, match=f"is run {own.id} here: its data, or the version"):
        run_of(dataclasses.replace(record, run_id="0" * 16), planner())
    with pytest.raises(UserError, match="does not say its width"):
        trial(dataclasses.replace(record, provenance={}), own)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1.0, 1.0, 0.0),
        (2.0, 1.0, 0.5),
        (-1.0, 1.0, 2.0),
        (0.0, 0.0, 0.0),
        (math.nan, math.nan, 0.0),
        (math.nan, 1.0, math.inf),
        (math.inf, math.inf, 0.0),
        (math.inf, 1.0, math.inf),
    ],
)
def test_relative(a: float, b: float, expected: float) -> None:
    assert verification.relative(a, b) == verification.relative(b, a) == expected


def test_the_loop_stops_after_so_many_epochs() -> None:
    own, _ = recorded()
    whole = train([own], 1)[0]
    (part,) = loop.train(
        own.program, [own.config], data_of(own).data, ExecutionStrategy(1, 5), epochs=2
    )
    assert part.checksums == whole.checksums[:2]
    assert part.steps == 10
