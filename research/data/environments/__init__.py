"""Environments: data sets whose examples a learner collects, as pure functions.

In reading order: world.py (what an environment is), collected.py (an environment as a data set),
bandits.py (two with a known best action).
"""
