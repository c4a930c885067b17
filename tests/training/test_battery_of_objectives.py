"""The battery over the registry of objectives."""

from collections.abc import Callable

import pytest

import research.catalogue  # noqa: F401
from research.registry import OBJECTIVES
from research.testing import subjects
from research.testing.conformance import CHECKS
from research.testing.subjects import Subject


@pytest.mark.parametrize("check", CHECKS.values(), ids=list(CHECKS))
@pytest.mark.parametrize("name", OBJECTIVES.names())
def test_every_objective_passes(name: str, check: Callable[[Subject], None]) -> None:
    check(subjects.part(OBJECTIVES.kind, OBJECTIVES.get(name)))
