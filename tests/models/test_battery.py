"""The battery over the registry: every architecture at its tiny setting; and networks that fail each check."""

from collections.abc import Callable

import pytest
from engine import compiled_lightly

from research.registry import ARCHITECTURES
from research.sweeps import battery
from research.sweeps.battery import CHECKS, Subject


@pytest.mark.parametrize("check", CHECKS.values(), ids=list(CHECKS))
@pytest.mark.parametrize("name", ARCHITECTURES.names())
def test_every_architecture_passes(name: str, check: Callable[[Subject], None]) -> None:
    with compiled_lightly():
        check(battery.architecture(name))
