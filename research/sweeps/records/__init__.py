"""What runs leave behind: record.py, store.py, index.py, saved_parameters.py, provenance.py,
source_version.py, run_labels.py, event_files.py, tf_records.py, verification.py.
"""
