"""What the programs share.

In reading order: start.py (how every program starts and ends), help.py, programs.py and
flag_meanings.py (what `--help` prints and what a wrong flag is answered with), run_flags.py (the
settings of a run and of a sweep), execution_flags.py, memory_flags.py, distributed.py and
retry_flags.py (how runs are trained), planner.py and records.py (the objects that flags describe),
saved_run.py (a run that kept its parameters), name_guard.py and sweep_rows.py (named sweeps),
plan_text.py, entry_lines.py, output.py and html_report.py (what is printed and written).
"""
