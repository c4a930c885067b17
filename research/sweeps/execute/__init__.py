"""From runs to records: ensure_records.py, local_executor.py, trainer.py (one pack),
execution_context.py, execution_options.py, queue.py, stored_strategy.py, checkpoint_policy.py,
observer.py, terminal.py.
"""
