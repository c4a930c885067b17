"""A single run: its own metrics."""

from collections.abc import Mapping, Sequence

from research.registry import ESTIMATES, Estimate


def single_run(runs: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """The metrics of the one run."""
    (metrics,) = runs
    return metrics


ESTIMATES.add(Estimate("single_run", lambda: single_run, "the metrics of one run", says="one run"))
