"""What all tests share: no more compiled programs at a time than a process has memory maps for."""

from collections.abc import Iterator

import jax
import pytest

# Programs stay compiled until they are dropped, and a process that keeps thousands of them is killed.
KEPT_FOR = 15
_since = [0]


@pytest.fixture(autouse=True)
def _drop_programs() -> Iterator[None]:
    yield
    _since[0] += 1
    if _since[0] >= KEPT_FOR:
        jax.clear_caches()
        _since[0] = 0
