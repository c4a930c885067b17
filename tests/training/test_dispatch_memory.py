"""How many updates a dispatch has, by the memory of its batches."""

from types import SimpleNamespace
from typing import Any

import pytest

from research.training.engine.chunk_batches import dispatch_steps


def program(columns: int, categories: tuple[int, ...]) -> Any:
    """What dispatch_steps reads of a program: float32 columns, batches of 256."""
    spec = SimpleNamespace(inputs=SimpleNamespace(bytes=4 * columns, one_hot=bool(categories)))
    return SimpleNamespace(spec=spec, sizes=SimpleNamespace(batch=256, steps_per_epoch=625))


@pytest.mark.parametrize(
    ("columns", "categories", "expected"),
    # 256 rows of 1,024 columns take 1 MiB.
    [(1024, (), 64), (1024, (1023, 0), 8), (8, (7, 0), 625), (1 << 20, (1 << 20,), 1)],
    ids=["numbers", "categories", "few categories", "more than fits"],
)
def test_batches_of_categories_take_less_memory(
    columns: int, categories: tuple[int, ...], expected: int
) -> None:
    strategy: Any = SimpleNamespace(steps=1000, width=1)
    assert dispatch_steps(program(columns, categories), strategy) == expected
