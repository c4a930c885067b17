"""Ensembles: runs whose predictions are combined into one value per seed; a file and an entry each.

In reading order: member_seeds.py has the seeds of members, combination.py combines what they
predicted, ensemble_record.py makes the record of an ensemble of theirs, and growth.py has the
metrics of its first members. none.py is one run by
itself, seeds.py the simplest ensemble. bagging.py has members that see samples. arms.py reads the
arms of vote.py and stack.py, whose meta models are in meta_models.py. The members of snapshots.py,
adaboost.py and gradient_boosting.py depend on those before them.
"""
