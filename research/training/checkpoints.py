"""Checkpoints: snapshots of packs on disk, written by orbax in the background, whole or not at
all."""

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from research.errors import UserError
from research.training import best_and_last as best_and_last_lib
from research.training.snapshot import Snapshot, select
from research.training.state import LaneState
from research.training.strategy import ExecutionStrategy

FORMAT = 1
_MARK = {"checkpoints": "research.training.checkpoints"}
_DAMAGED, _GONE = "damaged", ".gone"

Keep = Literal["last", "best", "all"]


@dataclasses.dataclass(frozen=True)
class PackManifest:
    """Whose snapshots a folder holds.

    device: the kind that trained them. configs: of each run, flat, by id and in order. keep: which
        snapshots stay: the last two; with them the one of the lowest mean validation loss; or all,
        and these also after the runs are done.
    kept: whether they hold the runs' best and last variables too.
    """

    program: str
    device: str
    strategy: ExecutionStrategy
    configs: dict[str, dict[str, str]]
    keep: Keep = "last"
    kept: bool = False

    @property
    def runs(self) -> list[str]:
        """The run ids, in the order of the snapshots' leaves."""
        return list(self.configs)

    @property
    def name(self) -> str:
        """The folder's name: the same runs go on in the same folder."""
        content = [self.program, self.runs, *(["kept"] if self.kept else [])]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """The content of `pack.json`; the strategy is stored under the name `way`."""
        content = dataclasses.asdict(self)
        return {"way" if name == "strategy" else name: value for name, value in content.items()}

    @staticmethod
    def from_json(content: dict[str, Any]) -> "PackManifest":
        """The pack that `to_json` described. Raises KeyError or TypeError if a field is wrong."""
        fields = dict(content)
        strategy = ExecutionStrategy(**fields.pop("way"))
        return PackManifest(strategy=strategy, **fields)


@dataclasses.dataclass(frozen=True)
class StoredSnapshot:
    """A snapshot of some runs, the strategy with which they were trained and the kind of device
    that trained them."""

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
    """A directory of packs' checkpoints: a folder a pack, `pack.json` beside its orbax steps;
    `damaged/` set aside."""

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
        kept: bool = False,
    ) -> StoredSnapshot | None:
        """The furthest readable snapshot of the pack that holds most of these runs, or None.

        template: the shapes of one run's state. A snapshot that does not read back is named and set
            aside, and the one before it is taken. kept: only one that holds what the runs keep.
        """
        wanted = set(run_ids)
        fitting = [
            (folder, pack)
            for folder, pack in self.packs()
            if pack.program == program and pack.kept >= kept
        ]
        candidates = [(folder, pack) for folder, pack in fitting if wanted & set(pack.runs)]
        candidates.sort(
            key=lambda one: (
                -len(wanted & set(one[1].runs)),
                -max(steps(one[0]), default=-1),
                one[0],
            )
        )
        for folder, pack in candidates:
            places = [place for place, run in enumerate(pack.runs) if run in wanted]
            for step in sorted(steps(folder), reverse=True):
                snapshot = self._read(folder / str(step), pack.runs, template())
                if snapshot is not None:
                    strategy, device = snapshot.trained or (pack.strategy, pack.device)
                    return StoredSnapshot(
                        [pack.runs[i] for i in places], select(snapshot, places), strategy, device
                    )
        return None

    def _read(self, path: Path, runs: Sequence[str], template: LaneState) -> Snapshot | None:
        try:
            snapshot = read(path, template, runs)
        except (ValueError, KeyError, TypeError, OSError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            before = [step for step in steps(path.parent) if step < int(path.name)]
            then = (
                f"going on from the one before it, step {max(before)}"
                if before
                else "its runs begin again"
            )
            self._set_aside(path, f"{path.parent.name}.{path.name}", reason, then)
            return None
        return snapshot

    def packs(self) -> Iterator[tuple[Path, PackManifest]]:
        """Every folder with what it holds; one whose `pack.json` does not read back is set aside.

        One without a `pack.json` and a step is another process's, which makes it or takes it away
        just now.
        """
        for folder in sorted(self.root.iterdir()) if self.root.is_dir() else ():
            if not folder.is_dir() or folder.name == _DAMAGED or folder.name.startswith("."):
                continue
            if not (folder / "pack.json").exists() and not steps(folder):
                continue
            try:
                content = json.loads((folder / "pack.json").read_text())
                if content["format"] != FORMAT:
                    raise ValueError(f"its format is {content['format']}, this code reads {FORMAT}")
                pack = PackManifest.from_json(content["pack"])
            except (ValueError, KeyError, TypeError, OSError) as error:
                self._set_aside(
                    folder,
                    folder.name,
                    f"pack.json: {error or type(error).__name__}",
                    "its runs begin again",
                )
                continue
            yield folder, pack

    def _set_aside(self, path: Path, name: str, reason: str, then: str) -> None:
        aside = self.root / _DAMAGED / name
        number = 0
        while aside.exists():
            number += 1
            aside = aside.with_name(f"{name}.{number}")
        try:
            aside.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, aside)
        except FileNotFoundError:
            return  # another process was first
        self.warn(f"the checkpoint {path} does not read back ({reason}); moved to {aside}; {then}")

    def discard(self, pack: PackManifest) -> None:
        """Removes a pack's folder, unless all is kept: its runs are done. It goes at once, under
        another name."""
        if pack.keep != "all":
            gone = self.root / f".{pack.name}{_GONE}"
            shutil.rmtree(gone, ignore_errors=True)
            with contextlib.suppress(OSError):  # another process was first
                os.replace(self.root / pack.name, gone)
            shutil.rmtree(gone, ignore_errors=True)

    def settle(self, done: Callable[[str], bool]) -> None:
        """Discards the packs all of whose runs are done; their records are what stays."""
        for _, pack in list(self.packs()):
            if all(done(run) for run in pack.runs):
                self.discard(pack)
        for gone in self.root.glob(f".*{_GONE}"):  # of a process that was killed
            shutil.rmtree(gone, ignore_errors=True)


class Writer:
    """Writes one pack's snapshots, in the background. A context: at its end what was begun is
    finished or given up."""

    def __init__(self, checkpoints: Checkpoints, pack: PackManifest) -> None:
        self._folder = checkpoints.root / pack.name
        self._pack = pack
        self._manager: Any = None

    def _opened(self) -> Any:
        """The orbax manager, made when first needed: orbax takes half a second to import."""
        if self._manager is None:
            from orbax.checkpoint.checkpoint_managers import preservation_policy as policy

            kept: dict[Keep, list[Any]] = {
                "last": [
                    policy.LatestN(n=2)
                ],  # the last, and the one before it should the last be damaged
                "best": [
                    policy.LatestN(n=2),
                    policy.BestN(get_metric_fn=lambda m: -m["loss"], n=1),
                ],
                "all": [policy.PreserveAll()],
            }
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = self._folder / ".pack.json"
            partial.write_text(json.dumps({"format": FORMAT, "pack": self._pack.to_json()}))
            os.replace(partial, self._folder / "pack.json")
            self._manager = _manager(
                self._folder,
                preservation_policy=policy.AnyPreservationPolicy(kept[self._pack.keep]),
                best_fn=(lambda m: -m["loss"]) if self._pack.keep == "best" else None,
                cleanup_tmp_directories=True,
            )
        return self._manager

    def save(self, snapshot: Snapshot) -> None:
        """Begins to write a snapshot, after finishing the one before. Raises UserError if that or
        this cannot be."""
        import orbax.checkpoint as ocp

        arrays = to_arrays(snapshot)
        digests = {name: _digest(array) for name, array in arrays.items()}
        meta = {
            "format": FORMAT,
            "step": snapshot.step,
            "seconds": snapshot.seconds,
            "crc32": digests,
        }
        meta |= {"way": dataclasses.asdict(self._pack.strategy), "device": self._pack.device}
        meta |= {"runs": self._pack.runs, "earlier": list(snapshot.earlier)}
        losses = snapshot.rows.get("validation/loss", snapshot.rows.get("train/loss"))
        loss = (
            float(np.nanmean(losses[:, -1]))
            if losses is not None and np.isfinite(losses[:, -1]).any()
            else math.inf
        )
        with self._errors():
            manager = self._opened()
            if snapshot.step not in manager.all_steps():
                items = ocp.args.Composite(
                    state=ocp.args.PyTreeSave(arrays), meta=ocp.args.JsonSave(meta)
                )
                manager.save(snapshot.step, args=items, metrics={"loss": loss}, force=True)

    def finish(self) -> None:
        """Waits until what was begun is written. Raises UserError if it cannot be."""
        if self._manager is not None:
            with self._errors():
                self._manager.wait_until_finished()

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        if self._manager is not None:
            with contextlib.suppress(
                OSError, ValueError
            ):  # of a disk; the records of what is trained are worth more
                self._manager.close()

    def _errors(self) -> Any:
        return _Errors(self._folder)


@dataclasses.dataclass(frozen=True)
class _Errors:
    """Turns what a full or read-only disk raises, in orbax's thread too, into one line."""

    folder: Path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, OSError | ValueError) and not isinstance(error, UserError):
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise UserError(f"cannot write the checkpoint {self.folder}: {reason}") from error


def _manager(folder: Path, **options: Any) -> Any:
    """An orbax manager of this process alone: there is one writer, since its state is every
    process's."""
    import orbax.checkpoint as ocp

    process = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(
        primary_host=process, active_processes={process}, barrier_sync_key_prefix=folder.name
    )
    # Directories made in the background are waited for by signals whose names come from a counter
    # of the whole process: two packs that save at the same moment take each other's, and wait until
    # a time-out of 300 s.
    at_once = ocp.options.AsyncOptions(create_directories_asynchronously=False)
    # What is compressed is smaller by a twelfth, and takes three times the processor's time from
    # the training.
    plain = ocp.PyTreeCheckpointHandler(use_compression=False, multiprocessing_options=alone)
    return ocp.CheckpointManager(
        folder.absolute(),
        item_handlers={
            "state": plain,
            "meta": ocp.JsonCheckpointHandler(multiprocessing_options=alone),
        },
        options=ocp.CheckpointManagerOptions(
            create=False, multiprocessing_options=alone, async_options=at_once, **options
        ),
    )


def steps(folder: Path) -> list[int]:
    """The steps of a pack's finished checkpoints; none of one that another process has taken
    away."""
    try:
        return [int(path.name) for path in folder.iterdir() if path.name.isdigit()]
    except FileNotFoundError:
        return []


def to_arrays(snapshot: Snapshot) -> dict[str, np.ndarray]:
    """A snapshot's arrays by name; those without elements are left out, as orbax cannot hold
    them."""
    named = {f"state.{name}": leaf for name, leaf in _named(snapshot.state)}
    named |= {f"kept.{name}": leaf for name, leaf in _named(snapshot.best_and_last)}
    named |= {f"rows.{name}": values for name, values in snapshot.rows.items()}
    return {name: array for name, array in named.items() if array.size}


def read(path: Path, template: LaneState, run_ids: Sequence[str] | None = None) -> Snapshot:
    """A step's snapshot. run_ids: the runs that it must be of, in order; None: any.

    Raises ValueError, KeyError or OSError if it is damaged, of another kind of state, another
    step's or other runs'.
    """
    import orbax.checkpoint as ocp

    items = ocp.args.Composite(state=ocp.args.PyTreeRestore(), meta=ocp.args.JsonRestore())
    with _manager(path.parent) as manager:
        restored = manager.restore(int(path.name), args=items)
    arrays, meta = dict(restored["state"]), restored["meta"]
    if meta["format"] != FORMAT:
        raise ValueError(f"its format is {meta['format']}, this code reads {FORMAT}")
    if {name: _digest(array) for name, array in arrays.items()} != meta["crc32"]:
        raise ValueError("its checksums do not fit")
    if meta["step"] != int(path.name):
        raise ValueError(f"it is of step {meta['step']}; was it copied or renamed?")
    runs = next(iter(arrays.values())).shape[0]
    if run_ids is not None:
        _check_runs(list(run_ids), runs, meta)
    state = _taken(arrays, "state", runs, template)
    keeps = any(name.startswith("kept.") for name in arrays)
    kept = _taken(arrays, "kept", runs, best_and_last_lib.template(template)) if keeps else None
    if any(name.startswith("state.") for name in arrays):
        raise ValueError(
            f"it holds {next(name for name in arrays if name.startswith('state.'))}, which the run"
            " lacks"
        )
    rows = {name.removeprefix("rows."): array for name, array in arrays.items()}
    trained = (ExecutionStrategy(**meta["way"]), meta["device"]) if "way" in meta else None
    return Snapshot(
        meta["step"], state, rows, meta["seconds"], kept, tuple(meta.get("earlier", ())), trained
    )


def _check_runs(run_ids: list[str], count: int, meta: dict[str, Any]) -> None:
    """Raises ValueError if a snapshot of `count` runs is not of these. Snapshots of earlier code do
    not name theirs."""
    if count != len(run_ids):
        raise ValueError(f"it holds {count} runs, its pack {len(run_ids)}")
    if meta.get("runs", run_ids) != run_ids:
        raise ValueError("it holds other runs than its pack; was it copied or renamed?")


def _taken(arrays: dict[str, np.ndarray], part: str, runs: int, template: Any) -> Any:
    """Takes a tree's arrays out of `arrays`: the template's, with a leading axis of runs."""
    leaves = [_fitting(arrays, f"{part}.{name}", runs, shape) for name, shape in _named(template)]
    return jax.tree.unflatten(jax.tree.structure(template), leaves)


def _fitting(arrays: dict[str, np.ndarray], name: str, runs: int, shape: Any) -> np.ndarray:
    """Takes the array of that name out of `arrays`, if it is of the template's shape and type."""
    if not math.prod(shape.shape):
        return np.zeros((runs, *shape.shape), shape.dtype)
    array = arrays.pop(name)
    if array.shape != (runs, *shape.shape) or array.dtype != shape.dtype:
        raise ValueError(
            f"{name} is {array.dtype}{list(array.shape)}, the run needs"
            f" {shape.dtype}{list(shape.shape)}"
        )
    return array


def _digest(array: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).data)


def _named(tree: Any) -> list[tuple[str, Any]]:
    return [
        (jax.tree_util.keystr(path, simple=True, separator="."), leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    ]
