"""Observers made of functions, for tests that look at one event."""

from typing import Any

from research.sweeps.execute.observer import Observer
from research.training.checkpoint.snapshot import Snapshot
from research.training.engine.pack_observer import Boundary, PackObserver


class Observing(Observer):
    """An observer with these methods: `Observing(warn=warnings.append)`."""

    def __init__(self, **methods: Any) -> None:
        vars(self).update(methods)


class PackObserving(PackObserver):
    """The same of a pack."""

    def __init__(self, **methods: Any) -> None:
        vars(self).update(methods)


def taking(snapshots: dict[int, Snapshot]) -> PackObserver:
    """Takes a snapshot at each boundary, by step."""

    def at_boundary(boundary: Boundary) -> None:
        snapshots[boundary.step] = boundary.snapshot()

    return PackObserving(at_boundary=at_boundary)
