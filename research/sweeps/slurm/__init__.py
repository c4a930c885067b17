"""Sweeps on a Slurm cluster: arrays of tasks that share a sweep by claims, through a directory that
all nodes see."""
