"""Boosting: what a run learns from earlier runs, by what these predicted for its training rows.

In reading order: reweighting.py (rows weigh more where earlier members are wrong), residuals.py (a
member fits what their sum leaves), earlier_runs.py (the fields of a lane that this fills),
requirements.py (which runs can be boosted).
"""
