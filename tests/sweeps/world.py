"""A world for claims: a records directory with a clock, records and processes of its own."""

from collections import Counter
from pathlib import Path

from research.sweeps.coordinate.claims import Claims
from research.sweeps.coordinate.worker import Worker

RUNS = [f"{number:016x}" for number in range(5)]
BEAT, TIMEOUT = 10.0, 60.0


class World:
    """A records directory with a clock, records and processes of its own."""

    def __init__(self, root: Path, timeout: float = TIMEOUT) -> None:
        self.root = root
        self.timeout = timeout
        self.time = 0.0
        self.records: Counter[str] = Counter()
        self.gone: set[str] = set()
        self.count = 0

    def worker(self) -> Claims:
        self.count += 1
        claims = Claims(
            self.root,
            Worker(f"t{self.count}", "host", self.count),
            now=lambda: self.time,
            gone=lambda worker: worker.token in self.gone,
            done=lambda run_id: self.records[run_id] > 0,
            beat_every=BEAT,
            timeout=self.timeout,
        )
        claims.register()
        return claims

    def wait(self, observer: Claims, seconds: float, *beating: Claims) -> list[str]:
        """Time passes; the observer looks each BEAT. What it has in the end."""
        taken: list[str] = []
        for _ in range(round(seconds / BEAT)):
            self.time += BEAT
            for claims in (observer, *beating):
                claims.beat()
            taken = observer.take(RUNS, len(RUNS))
        return taken

    def left(self) -> list[str]:
        return sorted(path.name for path in (self.root / "claims").rglob("*") if path.is_file())
