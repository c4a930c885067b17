"""Writes the snapshots of one pack in the background, each whole or not at all."""

import contextlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from research.durable_files import array_checksum, write_atomically
from research.errors import UserError, reason
from research.training.checkpoint.checkpoints import Checkpoints
from research.training.checkpoint.pack_manifest import Keep, PackManifest
from research.training.checkpoint.snapshot import Snapshot
from research.training.checkpoint.snapshot_format import FORMAT, open_manager, to_arrays


class CheckpointWriter:
    """Writes one pack's snapshots in the background.

    A context manager: when it ends, the last write is finished or abandoned.
    """

    def __init__(self, checkpoints: Checkpoints, pack: PackManifest) -> None:
        self._folder = checkpoints.root / pack.name
        self._pack = pack
        self._manager: Any = None

    def _open(self) -> Any:
        """The orbax manager, made at the first use: importing orbax takes half a second."""
        if self._manager is None:
            from orbax.checkpoint.checkpoint_managers import preservation_policy as policy

            policies: dict[Keep, list[Any]] = {
                # Two, in case the last one is damaged.
                "last": [policy.LatestN(n=2)],
                "best": [
                    policy.LatestN(n=2),
                    policy.BestN(get_metric_fn=lambda m: -m["loss"], n=1),
                ],
                "all": [policy.PreserveAll()],
            }
            content = {"format": FORMAT, "pack": self._pack.to_json()}
            write_atomically(self._folder / "pack.json", json.dumps(content))
            self._manager = open_manager(
                self._folder,
                preservation_policy=policy.AnyPreservationPolicy(policies[self._pack.keep]),
                best_fn=(lambda m: -m["loss"]) if self._pack.keep == "best" else None,
                cleanup_tmp_directories=True,
            )
        return self._manager

    def save(self, snapshot: Snapshot) -> None:
        """Starts to write a snapshot, after the one before is finished.

        Raises:
            UserError: either of them cannot be written.
        """
        import orbax.checkpoint as ocp

        arrays = to_arrays(snapshot)
        digests = {name: array_checksum(array) for name, array in arrays.items()}
        meta = {
            "format": FORMAT,
            "step": snapshot.step,
            "seconds": snapshot.seconds,
            "crc32": digests,
            "way": self._pack.strategy.to_json(),
            "device": self._pack.device,
            "runs": self._pack.runs,
            "earlier": list(snapshot.earlier),
        }
        # Runs that diverged have no finite loss; the others decide which snapshot is the best.
        losses = snapshot.rows.get("validation/loss", snapshot.rows.get("train/loss"))
        loss = math.inf
        if losses is not None and np.isfinite(losses[:, -1]).any():
            loss = float(np.nanmean(losses[:, -1]))
        with _disk_errors(self._folder):
            manager = self._open()
            # A resumed pack may reach a step that is there already; orbax would refuse it.
            if snapshot.step not in manager.all_steps():
                items = ocp.args.Composite(
                    state=ocp.args.PyTreeSave(arrays), meta=ocp.args.JsonSave(meta)
                )
                manager.save(snapshot.step, args=items, metrics={"loss": loss}, force=True)

    def finish(self) -> None:
        """Waits until the last snapshot is written. Raises UserError if it cannot be written."""
        if self._manager is not None:
            with _disk_errors(self._folder):
                self._manager.wait_until_finished()

    def __enter__(self) -> "CheckpointWriter":
        return self

    def __exit__(self, *_: object) -> None:
        if self._manager is not None:
            # A failing disk must not take the records of what is trained with it.
            with contextlib.suppress(OSError, ValueError):
                self._manager.close()


@contextlib.contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """Turns errors of a full or read-only disk into one line, those of orbax's thread too.

    Raises:
        UserError: the checkpoint cannot be written.
    """
    try:
        yield
    except UserError:
        raise
    except (OSError, ValueError) as error:
        raise UserError(f"cannot write the checkpoint {folder}: {reason(error)}") from error
