"""Ensembles: runs whose predictions are combined into one value per seed; a file and an entry each.

In reading order: member_seeds.py has the seeds of members, combination.py combines what they
predicted, and ensemble_record.py makes the record of an ensemble of theirs. none.py is one run by
itself, seeds.py the simplest ensemble. The members of snapshots.py, adaboost.py and
gradient_boosting.py depend on those before them.
"""
