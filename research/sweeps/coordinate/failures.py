"""Failures of runs that are still to be trained. After the second a run is not tried again.

They are files, because a failure may end its process: the processes that are left, on any machine,
continue the count.
"""

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path

from research.durable_files import write_atomically

# A run that fails so often gets a `failed` record.
# More than one, since the machine may be at fault and not the run.
MAX_ATTEMPTS = 2


@dataclasses.dataclass(frozen=True)
class Failures:
    """`strikes/RUN.json` in a records directory: a list of what went wrong with the run. Does not
    import JAX."""

    root: Path

    def add(self, run_ids: Iterable[str], error: str) -> None:
        """Counts a failure against each of the runs."""
        # Without a lock: of two processes at the same moment, one may not count. That costs one
        # more attempt, nothing else.
        for run_id in run_ids:
            write_atomically(self._path(run_id), json.dumps([*self.of(run_id), error]))

    def of(self, run_id: str) -> list[str]:
        """What went wrong with a run so far. A damaged file counts as one failure."""
        try:
            errors: list[str] = json.loads(self._path(run_id).read_text())
        except FileNotFoundError:
            return []
        except ValueError:
            # One, so that damage neither condemns a run nor gives it attempts without end.
            return ["(its file of failures was damaged)"]
        return errors

    def final(self, run_id: str) -> bool:
        """Whether it failed so often that it is not tried again."""
        return len(self.of(run_id)) >= MAX_ATTEMPTS

    def clear(self, run_id: str) -> None:
        """Forgets what went wrong with a run: it has its record."""
        self._path(run_id).unlink(missing_ok=True)

    def runs(self) -> set[str]:
        """The runs with a failure, by one listing."""
        return {path.stem for path in self._path("").parent.glob("[!.]*.json")}

    def _path(self, run_id: str) -> Path:
        return self.root / "strikes" / f"{run_id}.json"
