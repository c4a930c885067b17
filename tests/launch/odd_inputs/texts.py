"""Odd texts."""

from tests.launch.odd_inputs.case import Case

CASES: list[Case] = []
