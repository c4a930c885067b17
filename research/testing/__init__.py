"""Test kits for the catalogue's entries and for plugins: conformance.py."""
