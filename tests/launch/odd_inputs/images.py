"""Odd folders of images."""

from tests.launch.odd_inputs.case import Case

CASES: list[Case] = []
