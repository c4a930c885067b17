"""Selection: which features of a table a run sees, chosen on its training rows.

In reading order: candidates.py (what a selection chooses from), filters.py (features by their own
numbers), embedded.py (by the weights or splits of a model), wrappers.py (by the score of a model
with and without them). Each module registers its entries in SELECTIONS; `build(**options)` is
`choose(candidates) -> bool [F]`.
"""
