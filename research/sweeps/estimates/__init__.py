"""Estimates: the one value per seed that a table's cell averages; a file and an entry each.

In reading order: seed_value.py turns the records of one seed into one, by an estimate.
single_run.py is the estimate of a run alone, mean_of_folds.py that of cross-validation.
"""
