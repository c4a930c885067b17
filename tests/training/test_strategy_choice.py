"""Law 7: the way of running is what was timed fastest, and kept."""

from pathlib import Path
from typing import Any

import jax
import pytest
from engine import data_of, run
from observing import Observing

from research.sweeps.execute import stored_strategy
from research.sweeps.execute.execution_context import ExecutionContext
from research.sweeps.execute.execution_options import DEFAULT
from research.sweeps.plan.run_plan import Pack
from research.sweeps.records.store import Store
from research.training.devices import strategy_choice
from research.training.devices.strategy import ExecutionStrategy

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
