"""Sweeps: from declared settings to records. Public: experiment.py (Experiment), column.py
(Column). In reading order: declare/, plan/, execute/, coordinate/, records/, tuning/, slurm/.
"""
