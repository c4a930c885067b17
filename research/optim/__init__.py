"""Optimizers and schedules: optax transformations without learning rate and sign, which the engine
appends."""
