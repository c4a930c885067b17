"""Odd sets prepared in the layout of TFDS."""

from tests.launch.odd_inputs.case import Case

CASES: list[Case] = []
