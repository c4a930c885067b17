"""Objectives: what is minimised, and by which players.

In reading order: game.py (the players and their losses), turn.py (what a loss takes and returns),
supervised.py (one player that owns every parameter: the default).
"""
