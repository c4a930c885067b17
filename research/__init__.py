"""The library: from a run's config to its record, and from records to a table."""

__version__ = "0.1.0"
