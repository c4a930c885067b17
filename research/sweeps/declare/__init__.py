"""What a user asks for: sweep_request.py (flags to a sweep), sweep_axes.py, distributions.py,
strengths.py, sweep_spec.py (a sweep as it is kept), experiment_files.py, selection.py,
designs.py and factor_arms.py (combinations of factors).
"""
