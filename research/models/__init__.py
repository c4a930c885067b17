"""Architectures, one family a file; layers/ holds what they share."""
