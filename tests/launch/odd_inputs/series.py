"""Odd series in csv files."""

from tests.launch.odd_inputs.case import Case

CASES: list[Case] = []
