"""Checkpoints: a directory of snapshots, a folder per pack of runs."""

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from research.durable_files import GONE, check_format, remove_folder, set_aside
from research.errors import UserError, reason
from research.training.checkpoint.pack_manifest import PackManifest
from research.training.checkpoint.snapshot import Snapshot, select
from research.training.checkpoint.snapshot_format import FORMAT, read
from research.training.devices.strategy import ExecutionStrategy
from research.training.step.state import LaneState

_MARK = {"checkpoints": "research.training.checkpoints"}
_DAMAGED = "damaged"


@dataclasses.dataclass(frozen=True)
class StoredSnapshot:
    """A snapshot of some runs, with the strategy and the kind of device that trained them."""

    runs: list[str]
    snapshot: Snapshot
    strategy: ExecutionStrategy
    device: str

    def of(self, run_ids: Sequence[str]) -> Snapshot | None:
        """The snapshot of these runs in this order, or None if it lacks one."""
        if not set(run_ids) <= set(self.runs):
            return None
        return select(self.snapshot, [self.runs.index(run_id) for run_id in run_ids])


@dataclasses.dataclass(frozen=True)
class Checkpoints:
    """The directory of all packs' checkpoints.

    A pack has a folder with `pack.json` and a folder per step, which orbax writes. What does not
    read back is moved to `damaged/`.
    """

    root: Path
    warn: Callable[[str], None] = lambda message: None

    def prepare(self) -> None:
        """Makes the directory. Raises UserError if it cannot be written or holds something else."""
        mark = self.root / "checkpoints.json"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            if not mark.exists():
                if any(self.root.iterdir()):
                    raise UserError(
                        f"{self.root} holds other files than this project's checkpoints (it has no"
                        f" {mark.name}); name an empty or new directory with --checkpoints"
                    )
                mark.write_text(json.dumps(_MARK))
            if json.loads(mark.read_text()) != _MARK:
                raise UserError(
                    f"{self.root} belongs to another project ({mark.name}); name another directory"
                )
        except ValueError:
            raise UserError(
                f"{mark} is damaged; delete it if the directory is this project's"
            ) from None
        except OSError as error:
            raise UserError(
                f"cannot write checkpoints to {self.root}: {error.strerror or error}; name another"
                " place with --checkpoints"
            ) from None

    def find(
        self,
        run_ids: Sequence[str],
        program: str,
        template: Callable[[], LaneState],
        with_variables: bool = False,
    ) -> StoredSnapshot | None:
        """The furthest readable snapshot of the pack that holds most of these runs, or None.

        A snapshot that does not read back is reported and set aside, and the one before it is read.

        Args:
            run_ids: the runs that are about to train.
            program: the id of their program.
            template: makes the shapes of one run's state.
            with_variables: take only a snapshot that holds the runs' best and last variables too.
        """
        wanted = set(run_ids)
        fitting = [
            (folder, pack)
            for folder, pack in self.packs()
            if pack.program == program and pack.has_variables >= with_variables
        ]
        candidates = [(folder, pack) for folder, pack in fitting if wanted & set(pack.runs)]

        def worst_last(candidate: tuple[Path, PackManifest]) -> tuple[int, int, Path]:
            folder, pack = candidate
            return -len(wanted & set(pack.runs)), -max(steps(folder), default=-1), folder

        # The pack with most of the runs first: what it lacks is trained from the start.
        for folder, pack in sorted(candidates, key=worst_last):
            indices = [index for index, run in enumerate(pack.runs) if run in wanted]
            for step in sorted(steps(folder), reverse=True):
                snapshot = self._read(folder / str(step), pack.runs, template())
                if snapshot is not None:
                    strategy, device = snapshot.trained or (pack.strategy, pack.device)
                    runs = [pack.runs[index] for index in indices]
                    return StoredSnapshot(runs, select(snapshot, indices), strategy, device)
        return None

    def _read(self, path: Path, runs: Sequence[str], template: LaneState) -> Snapshot | None:
        try:
            snapshot = read(path, template, runs)
        except (ValueError, KeyError, TypeError, OSError) as error:
            before = [step for step in steps(path.parent) if step < int(path.name)]
            then = (
                f"going on from the one before it, step {max(before)}"
                if before
                else "its runs begin again"
            )
            self._set_aside(path, f"{path.parent.name}.{path.name}", reason(error), then)
            return None
        return snapshot

    def packs(self) -> Iterator[tuple[Path, PackManifest]]:
        """Every folder with its manifest; one whose `pack.json` does not read back is set aside."""
        for folder in sorted(self.root.iterdir()) if self.root.is_dir() else ():
            if not folder.is_dir() or folder.name == _DAMAGED or folder.name.startswith("."):
                continue
            # Another process is about to fill or to remove a folder that has neither.
            if not (folder / "pack.json").exists() and not steps(folder):
                continue
            try:
                content = json.loads((folder / "pack.json").read_text())
                check_format(content["format"], FORMAT)
                pack = PackManifest.from_json(content["pack"])
            except (ValueError, KeyError, TypeError, OSError) as error:
                why = f"pack.json: {reason(error)}"
                self._set_aside(folder, folder.name, why, "its runs begin again")
                continue
            yield folder, pack

    def _set_aside(self, path: Path, name: str, why: str, then: str) -> None:
        with contextlib.suppress(FileNotFoundError):  # another process was first
            _, where = set_aside(path, self.root / _DAMAGED, name)
            self.warn(f"the checkpoint {path} does not read back ({why}); {where}; {then}")

    def discard(self, pack: PackManifest) -> None:
        """Removes the folder of a pack whose runs are done, unless it keeps all snapshots."""
        if pack.keep != "all":
            remove_folder(self.root / pack.name)

    def settle(self, done: Callable[[str], bool]) -> None:
        """Discards the packs whose runs are all done; their records remain."""
        for _, pack in list(self.packs()):
            if all(done(run) for run in pack.runs):
                self.discard(pack)
        for gone in self.root.glob(f".*{GONE}"):  # of a process that was killed
            shutil.rmtree(gone, ignore_errors=True)


def steps(folder: Path) -> list[int]:
    """The steps of a pack's finished checkpoints; none if another process removed the folder."""
    try:
        return [int(path.name) for path in folder.iterdir() if path.name.isdigit()]
    except FileNotFoundError:
        return []
