"""A single run: its own metrics."""

from collections.abc import Mapping, Sequence

from research.registry import ESTIMATES, Estimate


def single_run(runs: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """The metrics of the one run.

    Example:
        >>> single_run([{"test/accuracy": 0.5}])
        {'test/accuracy': 0.5}
    """
    (metrics,) = runs
    return metrics


ESTIMATES.add(
    Estimate(
        "single_run", lambda: single_run, "the metrics of one run", says="value of one run", most=1
    )
)
