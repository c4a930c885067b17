"""How processes share a records directory: worker.py, membership.py, claims.py, failures.py,
pack_progress.py, sweep_status.py.
"""
