"""Test kits for the catalogue's entries and for plugins: conformance.py, few_steps.py."""
