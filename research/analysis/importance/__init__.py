"""Which features matter: what a trained run's predictions depend on.

In reading order: kept_run.py (a run with its parameters and rows), feature_columns.py (what a
feature is), inquiry.py (what is asked and answered), importances.py (the numbers), the methods
(permutation_importance, shapley, gradients, occlusion, fitted_importance, dependence), methods.py
(their names), importance_table.py, the figures (importance_figures, attribution_maps), and
importance_report.py (all of it).
"""
