"""Odd inputs after public bug reports: one file per kind of data, each with a list of `CASES`."""
