"""From settings to programs: run_plan.py (runs and packs), run_planner.py, ensemble_plan.py (their
members), run_notes.py (what a reader must know), unused_settings.py (those that no run has),
basis.py (what a kept run needs of its data).
"""
