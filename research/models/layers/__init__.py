"""Layers that the architectures share; dropout, norm and noise reach them through a Forward."""
