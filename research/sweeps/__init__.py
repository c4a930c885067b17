"""From a declaration to records: experiments, axes, plans, executors."""
