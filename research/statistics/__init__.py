"""What values over seeds may conclude: intervals, tests, corrections. Pure functions of arrays."""
