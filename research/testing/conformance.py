"""The conformance battery: what every architecture must pass, tried on small generated data."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from research.data import in_memory
from research.data.features.named_arrays import take
from research.errors import UserError
from research.param_tree import by_name
from research.registry import (
    CALLBACKS,
    FEATURES,
    LOSSES,
    Entry,
    HostEstimator,
)
from research.sweeps.plan.run_plan import PlannedRun
from research.testing import feature_checks, protocols, subjects
from research.testing.estimator_battery import ESTIMATOR_CHECKS
from research.testing.few_steps import beyond_rounding, lane, start, steps, unequal
from research.testing.subjects import NETWORK, Subject
from research.training.checkpoint.snapshot import Snapshot
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from research.training.engine.chunk import PackSetup
from research.training.engine.pack_observer import Boundary, PackObserver
from research.training.setup.lane_inputs import make_lane_inputs
from research.training.setup.program import Program
from research.training.step import network, objective
from research.training.step.state import Lane, Variables

# It makes lanes and resumed runs differ, where it acts.
NOISE = (
    "dropout=0.3",
    "input_dropout=0.1",
    "variational_dropout=0.2",
    "attention_dropout=0.2",
    "stochastic_depth=0.3",
)
WIDTH = 3
STEPS = 2


def trials(kind: str, entry: Entry) -> dict[str, Callable[[], None]]:
    """The checks of an entry, by name, ready to be called; each raises what is wrong.

    Raises UserError on a kind that has no battery.
    """
    if kind == CALLBACKS.kind:
        return {"takes an epoch's end": functools.partial(_called, entry)}
    if kind == FEATURES.kind:
        return feature_checks.checks(entry)
    if checks := protocols.checks(entry):
        return checks
    tried = functools.cache(functools.partial(subjects.part, kind, entry))
    if isinstance(entry, HostEstimator):
        return {
            name: functools.partial(_fitted, check, tried)
            for name, check in ESTIMATOR_CHECKS.items()
        }
    return {name: functools.partial(_checked, check, tried) for name, check in CHECKS.items()}


def _checked(check: Callable[[Subject], None], tried: Callable[[], Subject]) -> None:
    check(tried())


def _fitted(check: Callable[[PlannedRun, Any], None], tried: Callable[[], Subject]) -> None:
    case = tried()
    check(case.run(), case.data.data)


def _called(entry: Entry) -> None:
    """Calls a callback with an epoch's metrics of a classification, as a run would."""
    names = ("loss", *objective.metric_names(Subject(NETWORK, in_memory.images()).run().program))
    entry.build()(
        "0" * 16, 1, {f"{split}/{name}": 0.5 for split in ("train", "validation") for name in names}
    )


# Checks: each raises AssertionError that says what is wrong
# -----------------------------------------------


def _inputs(case: Subject, rows: np.ndarray) -> Any:
    """Raw rows of its data, as its network takes them; of an environment made-up observations."""
    spec = case.data.spec
    if spec.inputs.collected:
        drawn = np.random.default_rng(0).normal(size=(rows.max() + 1, *spec.inputs.shape))
        return drawn.astype(np.float32)[rows]
    return take(case.run().program.spec.view(case.data.data).x, rows)


def shapes(case: Subject) -> None:
    """Outputs are finite, of the loss's width and of the program's type, one row an example;
    scores, no shares."""
    run, (lane, variables) = case.run(), _initial_state(case)
    outputs = _outputs(run.program, lane, variables, _inputs(case, np.arange(4)))
    width = LOSSES.get(run.config.loss).outputs(run.program.width)
    members = () if run.program.members_inside is None else (run.program.members_inside,)
    expected = (4, *run.program.spec.targets.shape, *members, width)
    outputs = outputs[..., :width] if LOSSES.get(run.config.loss).latents else outputs
    assert outputs.shape == expected, (
        f"outputs have the shape {list(outputs.shape)}, not {list(expected)}"
    )
    assert outputs.dtype == run.program.dtype, (
        f"outputs are {outputs.dtype}, not {run.program.dtype}"
    )
    assert np.isfinite(outputs).all(), "some outputs are not finite"
    if run.program.spec.targets.classes and width > 1:
        shares = (outputs >= 0).all() and np.allclose(outputs.sum(axis=-1), 1, atol=1e-3)
        assert not shares, (
            f"outputs sum to one, as softmax leaves them; loss={run.config.loss} takes logits: "
            "return what the last layer gives, without softmax"
        )


def gradients(case: Subject) -> None:
    """The loss's gradient reaches every parameter: Adam moves all that has one, however small it
    is."""
    # Adam divides by the gradient's own size, so that a tiny gradient moves its parameter visibly.
    run = _noisy(case).run(optimizer="adam")
    before, after = (steps([run], case.data.data, 1, count) for count in (0, 3))
    still = [
        name
        for (name, a), b in zip(
            by_name(before.params).items(), jax.tree.leaves(after.params), strict=True
        )
        if (a == b).all()
    ]
    assert not still, f"no gradient reaches {', '.join(still)}"


def independence(case: Subject) -> None:
    """In evaluation an example's outputs are its own: they do not depend on what else is in the
    batch."""
    run, (lane, variables) = case.run(), _initial_state(case)
    outputs = _outputs(run.program, lane, variables, _inputs(case, np.arange(4)))
    beside = _outputs(run.program, lane, variables, _inputs(case, np.array([0, 1, 10, 11])))
    # 1e-30: outputs that are all zero must not divide by zero.
    wrong = np.abs(outputs[:2] - beside[:2]).max() / max(np.abs(outputs).max(), 1e-30)
    assert wrong <= 1e-5, (
        f"an example's outputs change by {wrong:.1e} of their size with what else is in the batch"
    )


def dropout_off_in_eval(case: Subject) -> None:
    """Regularizers of activations are off in evaluation."""
    try:
        noisy = case.run(regularization=_with(case, "dropout=0.5"))
    except UserError:
        return  # there is nothing to drop
    plain, (lane, variables) = case.run(), _initial_state(case)
    outputs = _outputs(plain.program, lane, variables, _inputs(case, np.arange(4)))
    noisy_lane = make_lane_inputs(noisy.config, noisy.program, case.data.data).lane
    dropped = _outputs(noisy.program, noisy_lane, variables, _inputs(case, np.arange(4)))
    assert outputs.tobytes() == dropped.tobytes(), "dropout changes what is evaluated"


def lanes(case: Subject) -> None:
    """Law 2: a lane is the run alone; the same initial bits, steps to rounding, and the same bits
    beside others."""
    noisy = _noisy(case)
    runs = [noisy.run(seed=seed) for seed in range(WIDTH)]
    among, alone = (
        jax.device_get(start(members, case.data.data, len(members)).state)
        for members in (runs, runs[1:2])
    )
    wrong = unequal(lane(among, 1), lane(alone, 0))
    assert not wrong, f"a lane begins with other bits than the run alone in {', '.join(wrong)}"
    together = steps(runs, case.data.data, WIDTH, STEPS)
    wrong = beyond_rounding(lane(together, 1), runs[1], case.data.data, STEPS)
    assert not wrong, f"after {STEPS} steps a lane differs from the run alone in {', '.join(wrong)}"
    other = noisy.run(seed=9, learning_rate=0.2)
    elsewhere = steps([other, other, runs[1]], case.data.data, WIDTH, STEPS)
    wrong = unequal(lane(elsewhere, 2), lane(together, 1))
    assert not wrong, f"a lane's bits depend on its neighbours in {', '.join(wrong)}"


def resume(case: Subject) -> None:
    """Law 1: from a snapshot in the middle of an epoch it goes on with the same bits."""
    noisy = _noisy(case)
    runs = [noisy.run(seed=seed) for seed in range(WIDTH)]
    strategy = ExecutionStrategy(WIDTH, 1)
    taken: dict[int, Snapshot] = {}

    class Keeper(PackObserver):
        def at_boundary(self, boundary: Boundary) -> None:
            if boundary.step == 4:
                taken[4] = boundary.snapshot()

    configs = [run.config for run in runs]
    train = functools.partial(loop.train, runs[0].program, configs, case.data.data, strategy)
    # Compared by repr, which is exact for floats and takes NaN as equal to NaN.
    whole = repr(train(observer=Keeper()))
    resumed = repr(train(PackSetup(resume=taken[4])))
    assert resumed == whole, "a run that is resumed ends with other bits"


CHECKS: Mapping[str, Callable[[Subject], None]] = {
    "shapes": shapes,
    "gradients reach every parameter": gradients,
    "examples are independent in evaluation": independence,
    "dropout is off in evaluation": dropout_off_in_eval,
    "lanes equal solo": lanes,
    "resume is exact": resume,
}


# What the checks are made of
# ----------------------------------------------------------------------------


def _initial_state(case: Subject) -> tuple[Lane, Variables]:
    """The subject's own lane, and its variables before the first step, by the program that other
    checks train."""
    run = case.run()
    variables = start([_noisy(case).run()], case.data.data, 1).state.variables
    return make_lane_inputs(run.config, run.program, case.data.data).lane, lane(variables, 0)


def _outputs(program: Program, inputs: Lane, variables: Variables, x: np.ndarray) -> np.ndarray:
    with program.precision_context():
        return np.asarray(_predict(program, variables, inputs, x))


_predict = jax.jit(network.predict, static_argnums=0)


@functools.cache  # all checks of a subject ask for it
def _noisy(case: Subject) -> Subject:
    """The subject with all of NOISE that acts on it."""
    for member in NOISE:
        louder = Subject({**case.settings, "regularization": _with(case, member)}, case.data)
        try:
            louder.run()
        except UserError:
            continue
        case = louder
    return case


def _with(case: Subject, member: str) -> str:
    given = case.settings.get("regularization", "none")
    return member if given == "none" else f"{given},{member}"
