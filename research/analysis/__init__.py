"""From records to statistics, tables and figures."""
