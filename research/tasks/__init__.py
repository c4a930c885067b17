"""Tasks: how labels become targets, what is minimised, and what is reported, per kind of
problem."""
