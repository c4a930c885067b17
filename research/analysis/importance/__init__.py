"""Which features matter: what a trained run's predictions depend on.

In reading order: kept_run.py (a run with its parameters and rows), feature_columns.py (what a
feature is), importances.py (the result), the methods (permutation_importance, shapley, gradients,
occlusion, fitted_importance, dependence), importance_table.py, and the figures
(importance_figures, attribution_maps).
"""
