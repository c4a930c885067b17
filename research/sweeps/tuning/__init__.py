"""Tuning on validation rows: tuner.py, goal.py, space.py, space_checks.py, search.py,
trial_samplers.py, pruners.py, pruned_search.py, study.py, journal.py, earlier_trials.py.
"""
