"""Engineering: further columns of a table, made of those that it has.

In reading order: feature_step.py (what a step is, and the text of `features`), products.py
(interactions, polynomials and ratios), bins.py, aggregates.py. Each module registers its entries in
FEATURE_STEPS; `build(**options)` is a FeatureStep. research/data/features/engineered_table.py puts
the columns behind those of the table.
"""
