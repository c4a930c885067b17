"""The permutation check: trained on shuffled targets, a run must be no better than chance."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from research.analysis.audit.case import Case
from research.analysis.audit.finding import Finding
from research.data.spec import Arrays, DataSpec
from research.sweeps.plan.run_planner import Opened, OpenSource, Planner
from research.sweeps.records.record import Record

# Trains requests with a planner, in records of their own.
Train = Callable[[Planner, Sequence[Mapping[str, Any]]], Sequence[Record]]
# Standard errors above chance: one false alarm in some ten thousand audits.
FAR = 4.0


@dataclasses.dataclass(frozen=True)
class ShuffledTargets:
    """A data set whose targets are shuffled over all of its rows, so that nothing can be
    learned."""

    source: Opened

    @property
    def spec(self) -> DataSpec:
        """As that of the source."""
        return self.source.spec

    @property
    def names(self) -> Sequence[str]:
        """As those of the source."""
        return self.source.names

    def arrays(self) -> Arrays:
        """The rows with another row's target each."""
        arrays = self.source.arrays()
        order = np.random.default_rng(0).permutation(len(arrays.y))
        return arrays._replace(y=np.asarray(arrays.y)[order])


def permutation_check(
    open_source: OpenSource, train: Train, seeds: int
) -> Callable[[Case], Iterator[Finding]]:
    """A check that trains the first row of the table on shuffled targets.

    Args:
        open_source: opens the data of a config.
        train: trains requests with a planner and returns their records.
        seeds: how many runs.
    """

    def check(case: Case) -> Iterator[Finding]:
        label = case.experiment.baseline or next(iter(case.runs))
        run = case.first_runs().get(label)
        if run is None or not _has_chance(run.program.spec) or not case.data:
            return
        arm = {**case.experiment.base, **case.experiment.arms[label]}
        planner = Planner(lambda config: ShuffledTargets(open_source(config)))
        requests = [{**arm, "seed": seed} for seed in range(seeds)]
        scores = [
            record.metrics["test/accuracy"]
            for record in train(planner, requests)
            if record.status == "finished" and "test/accuracy" in record.metrics
        ]
        if not scores:
            return
        (data, *_) = case.data
        targets = data.targets(data.test)
        chance = max((targets == value).mean() for value in np.unique(targets))
        # The seeds share the shuffle, and perhaps the test rows, so they count as one draw.
        error = math.sqrt(chance * (1 - chance) / len(targets))
        mean = float(np.mean(scores))
        if mean > chance + FAR * error:
            yield Finding(
                "problem",
                f"'{label}' trained on shuffled targets still reaches {100 * mean:.1f} % on the"
                f" test rows, where the largest class is {100 * chance:.1f} %: targets leak into"
                " the inputs, or test rows into training",
                "look at how the data are made and split",
            )

    return check


def _has_chance(spec: DataSpec) -> bool:
    """Whether a shuffled target leaves the largest class as the best guess."""
    return bool(spec.targets.classes) and not spec.targets.shape and not spec.windows
