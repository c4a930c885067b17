"""Law 7: the way of running is what was timed fastest, and kept."""

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from research.sweeps.execute import stored_strategy
from research.sweeps.execute.execution_context import ExecutionContext
from research.sweeps.execute.execution_options import DEFAULT
from research.sweeps.plan.run_plan import Pack
from research.sweeps.records.provenance import provenance, strategy_of
from research.sweeps.records.store import Store
from research.training.devices import strategy_choice
from research.training.devices.chunk_functions import ChunkFunctions
from research.training.devices.strategy import EIGEN_CONVOLUTIONS, ExecutionStrategy
from research.training.engine import loop
from tests.support.engine import data_of, run
from tests.support.observing import Observing

RUN = run(epochs=1000)
LANES = 40


def candidates(lanes: int = LANES) -> list[ExecutionStrategy]:
    return list(strategy_choice.candidates(RUN.program, RUN.config, lanes))


def chosen(
    timings: dict[ExecutionStrategy, float], lanes: int = LANES
) -> tuple[ExecutionStrategy, list[ExecutionStrategy]]:
    """The choice, and what was timed for it."""
    asked: list[ExecutionStrategy] = []

    def time_strategy(strategy: ExecutionStrategy) -> float:
        asked.append(strategy)
        return timings[strategy]

    strategy, _ = strategy_choice.choose_strategy(RUN.program, RUN.config, lanes, time_strategy)
    return strategy, asked


def test_the_fastest_is_taken() -> None:
    options = candidates()
    assert len(options) > 2
    for fastest in options:
        strategy, asked = chosen({option: 0.5 if option == fastest else 1.0 for option in options})
        assert strategy == fastest
        assert asked == options


@pytest.mark.parametrize(
    ("lanes", "width"), [(1, 1), (32, 32), (33, 17), (50, 25), (64, 32), (100, 25)]
)
def test_chunks_have_few_idle_lanes(lanes: int, width: int) -> None:
    assert candidates(lanes)[0].width == width


def test_the_default_is_kept_within_the_margin() -> None:
    default, *others = candidates()
    assert chosen({default: 1.0} | dict.fromkeys(others, 0.95))[0] == default


def test_a_short_pack_times_nothing_else() -> None:
    default, *_ = candidates()
    per_step = strategy_choice.WORTH_SECONDS / (LANES * RUN.program.steps)
    strategy, asked = chosen({default: 0.99 * per_step})
    assert strategy == default
    assert len(asked) <= 1


def test_convolutions_run_one_by_one_on_a_cpu() -> None:
    cnn = run(arch="cnn", arch__channels=(2,), arch__dense=(4,))
    assert {
        strategy.width for strategy in strategy_choice.candidates(cnn.program, cnn.config, 10)
    } == {1}


def test_convolutions_of_a_long_pack_are_timed_with_eigen_too() -> None:
    settings = {"arch": "cnn", "arch__channels": (2,), "arch__dense": (4,)}
    eigen = ExecutionStrategy(1, 1, compiler_options=EIGEN_CONVOLUTIONS)
    long, short = run(**settings, epochs=1000), run(**settings, epochs=1)
    assert list(strategy_choice.candidates(long.program, long.config, 1))[1:] == [eigen]
    assert eigen not in strategy_choice.candidates(short.program, short.config, 1)


def test_compiler_options_reach_the_compiler_and_change_only_rounding() -> None:
    """1e-5 is float32 rounding of sums in another order, over the few steps."""
    of = run(arch="cnn", arch__channels=(2,), arch__dense=(4,))
    configs, arrays = [of.config], data_of(of).data
    eigen = ExecutionStrategy(1, 1, compiler_options=EIGEN_CONVOLUTIONS)
    functions = ChunkFunctions.of(of.program, eigen, jax.local_devices()[0])
    assert functions.backend != ChunkFunctions.of(of.program, ExecutionStrategy(1, 1), None).backend
    plain, other = (
        loop.train(of.program, configs, arrays, strategy)[0]
        for strategy in (ExecutionStrategy(1, 1), eigen)
    )
    # Sums in another order: a few float32 roundings over the steps of this tiny network.
    np.testing.assert_allclose(plain.curves["train/loss"], other.curves["train/loss"], rtol=1e-5)


def test_options_that_this_compiler_does_not_know_are_left_out() -> None:
    unknown = ExecutionStrategy(1, 1, compiler_options=(("xla_cpu_of_tomorrow", "1"),))
    assert ChunkFunctions.of(RUN.program, unknown, None) == ChunkFunctions.of(
        RUN.program, ExecutionStrategy(1, 1), None
    )


def test_a_strategy_is_stored_as_before_unless_it_has_options(tmp_path: Path) -> None:
    plain = ExecutionStrategy(2, 3)
    assert plain.to_json() == {"width": 2, "steps": 3, "devices": 1, "replicas": 1}
    assert str(plain) == "ExecutionStrategy(width=2, steps=3, devices=1, replicas=1)"
    eigen = ExecutionStrategy(1, 1, compiler_options=EIGEN_CONVOLUTIONS)
    for strategy in (plain, eigen):
        Store(tmp_path).write_json("ways", "a", stored_strategy.stored_form(strategy))
        assert (
            ExecutionStrategy.from_json(Store(tmp_path).read_json("ways", "a")["way"]) == strategy
        )
        origin = json.loads(json.dumps(provenance(strategy, 1, 1.0, 0.0)))
        assert strategy_of(origin) == strategy
        assert ("compiler_options" in origin) == (strategy == eigen)


def test_the_stored_way_is_reused(tmp_path: Path) -> None:
    store, pack = Store(tmp_path), Pack(RUN.program, (RUN,))

    def job(timer: Any) -> ExecutionContext:
        return ExecutionContext(
            store, lambda run: data_of(run).data, Observing(), DEFAULT, timer, {}
        )

    def never(*_: Any) -> float:
        pytest.fail("timed again")

    first = stored_strategy.strategy_for(pack, job(lambda *_: 1.0), LANES)
    assert stored_strategy.strategy_for(pack, job(never), LANES) == first
    assert [path.suffix for path in (tmp_path / "ways").iterdir()] == [".json"]
    assert (
        store.keep_json(
            "ways", stored_strategy.strategy_key(pack, job(never), LANES), {"way": "of another"}
        )["way"]
        != "of another"
    )


def test_a_way_for_which_there_is_no_memory_is_not_taken(tmp_path: Path) -> None:
    store, default = Store(tmp_path), candidates()[0]

    def timer(
        program: Any, configs: Any, arrays: Any, strategy: ExecutionStrategy, memory: Any
    ) -> float:
        if strategy == default:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 byte")
        return 1.0

    job = ExecutionContext(store, lambda run: data_of(run).data, Observing(), DEFAULT, timer, {})
    assert stored_strategy.strategy_for(Pack(RUN.program, (RUN,)), job, LANES) == candidates()[1]
    (file,) = (tmp_path / "ways").iterdir()
    assert str(default) not in file.read_text()
