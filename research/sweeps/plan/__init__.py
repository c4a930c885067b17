"""From settings to programs: run_plan.py (runs and packs), run_planner.py, basis.py (what a kept
run needs of its data).
"""
