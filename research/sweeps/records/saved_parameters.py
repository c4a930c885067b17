"""The parameters that finished runs keep: a folder per run beside the records, complete or
absent."""

import dataclasses
import json
import re
import shlex
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import jax

from research import config as config_lib
from research import param_tree
from research.config import RunConfig
from research.durable_files import array_checksum, check_format, set_aside, whole_folder
from research.errors import UserError, reason
from research.registry import REGULARIZERS
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.sweeps.run_names import find_run
from research.training.checkpoint.best_and_last import BestAndLast
from research.training.step.state import Variables

FORMAT = 1
Which = Literal["best", "last"]


@dataclasses.dataclass(frozen=True)
class Saved:
    """What a run kept: its variables and their epoch (from 1; 0 is before the first step), the best
    and the last.

    basis: what they need to be applied to new data (see basis.py); None: an older version kept
        them.
    """

    run_id: str
    config: dict[str, str]
    epochs: dict[str, int]
    variables: dict[str, Variables]
    basis: dict[str, Any] | None = None


@dataclasses.dataclass(frozen=True)
class Parameters:
    """The kept parameters in a records directory: `params/RUN/` holds `run.json` and the arrays,
    written by orbax."""

    store: Store

    def path(self, run_id: str) -> Path:
        """The folder of a run."""
        return self.store.root / "params" / run_id

    def has(self, run_id: str) -> bool:
        """Whether the run kept its parameters; loading them says whether they are whole.

        Those of another run, which a copied or renamed folder holds, are set aside with a warning.
        """
        try:
            text = (self.path(run_id) / "run.json").read_bytes()
        except OSError:
            return False
        try:
            _check_run(json.loads(text)["run"], run_id)
        except _Others as error:
            self.store.warn(
                f"the parameters {self.path(run_id)} cannot be trusted ({error});"
                f" {self._set_aside(run_id)}"
            )
            return False
        except (ValueError, KeyError, TypeError):
            # Damaged: `load` says so, with the command that trains the run again.
            pass
        return True

    def save(
        self,
        run_id: str,
        config: dict[str, str],
        best_and_last: BestAndLast,
        basis: dict[str, Any] | None = None,
    ) -> Path:
        """Writes a run's parameters and returns their folder.

        Args:
            run_id: the run.
            config: its config, as flags.
            best_and_last: the variables; their leaves have no lane axis.
            basis: what they need to be applied to new data, as JSON has it.

        Raises:
            UserError: the folder cannot be written.
        """
        arrays = {"best": _tree(best_and_last.best), "last": _tree(best_and_last.last)}
        epochs = {"best": int(best_and_last.best_epoch), "last": int(best_and_last.last_epoch)}
        run = {
            "run_id": run_id,
            "config": config,
            "epochs": epochs,
            "crc32": _digests(arrays),
            "basis": basis,
        }
        folder = self.path(run_id)
        try:
            with whole_folder(folder, replace=True) as partial:
                with _checkpointer(partial.name) as orbax:
                    orbax.save((partial / "arrays").absolute(), arrays)
                content = {"format": FORMAT, "crc32": _crc32(run), "run": run}
                (partial / "run.json").write_text(json.dumps(content, indent=1))
        except (OSError, ValueError) as error:
            # orbax says in a ValueError that the disk is full.
            raise UserError(f"cannot write the parameters {folder}: {reason(error)}") from None
        return folder

    def settled(self, record: Record) -> bool:
        """Whether a run has its parameters or never will: failed runs keep none."""
        return record.status == "failed" or self.has(record.run_id)

    def load(self, run_id: str) -> Saved:
        """What a run kept. Raises UserError if it kept nothing, or if that is damaged; it is then
        set aside."""
        folder = self.path(run_id)
        if not self.has(run_id):
            # Raises where there is no such run.
            find_run(self.store, run_id)
            raise UserError(
                f"run {run_id} kept no parameters; train it again with {self._again(run_id)}"
            )
        try:
            return _read(folder)
        except (ValueError, KeyError, TypeError, OSError) as error:
            where = self._set_aside(run_id)
            raise UserError(
                f"the parameters {folder} are damaged ({reason(error)}); {where}; "
                f"train it again with {self._again(run_id)}"
            ) from None

    def _set_aside(self, run_id: str) -> str:
        """Moves a run's folder out of the way, and says where it is."""
        try:
            name = f"{run_id}.params"
            _, where = set_aside(self.path(run_id), self.store.root / "damaged", name)
        except FileNotFoundError:
            return "another process set it aside"
        return where

    def resolve(self, text: str) -> tuple[str, Which]:
        """`RUN`, `RUN:best` or `RUN:last` as a run's id and which of its parameters are meant.

        RUN: as `find_run` takes it; without more they are those that its record's metrics
            are of. Raises UserError if there is no such run, or more than one.
        """
        name, colon, which = text.partition(":")
        if which not in (("best", "last") if colon else ("",)):
            raise UserError(f"init_from={text}: expected RUN, RUN:best or RUN:last")
        if which and re.fullmatch("[0-9a-f]{16}", name):
            return name, "best" if which == "best" else "last"
        run_id = find_run(self.store, name)
        if not which:
            record = self.store.read(run_id)
            if record is None:
                raise UserError(f"the record of run {run_id} was removed just now")
            return run_id, evaluated(config_lib.resolve(record.config)[0])
        return run_id, "best" if which == "best" else "last"

    def _again(self, run_id: str) -> str:
        """The command that trains a run again and keeps its parameters."""
        return command_of(self.store, run_id, "--keep_params")


def command_of(store: Store, run_id: str, flag: str) -> str:
    """The command that trains a run again with another flag.

    Args:
        store: the records.
        run_id: the run.
        flag: says what the run is to keep.
    """
    record = store.find([run_id])[0].get(run_id)
    if record is None:
        return f"the command that trained it, and {flag}"
    config, _ = config_lib.resolve(record.config)
    words = [
        f"--{name}={shlex.quote(value)}" for name, value in config_lib.non_default(config).items()
    ]
    if store.root != Path("records"):
        words.append(f"--records={shlex.quote(str(store.root))}")
    return " ".join(["python -m launch.train", *words, flag])


def evaluated(config: RunConfig) -> Which:
    """Which parameters a record's metrics are of: the best where the run stops early, else the
    last."""
    slots = {REGULARIZERS.get(component.name).slot for component in config.regularization}
    return "best" if "stopping" in slots else "last"


class _Others(ValueError):
    """The parameters are another run's."""


def _check_run(run: Mapping[str, Any], run_id: str) -> None:
    """Raises ValueError if what is kept under a run's name is another run's."""
    if run["run_id"] != run_id:
        raise _Others(f"they are of run {run['run_id']}; was the folder copied or renamed?")


def _read(folder: Path) -> Saved:
    """Raises ValueError, KeyError, TypeError or OSError if it is damaged."""
    content = json.loads((folder / "run.json").read_text())
    check_format(content["format"], FORMAT)
    run = content["run"]
    if _crc32(run) != content["crc32"]:
        raise ValueError("the checksum of run.json does not fit")
    _check_run(run, folder.name)
    with _checkpointer(folder.name) as orbax:
        arrays = orbax.restore((folder / "arrays").absolute())
    if _digests(arrays) != run["crc32"]:
        raise ValueError("the checksums of its arrays do not fit")
    variables = {
        name: Variables(tree["params"], tree.get("batch_stats", {}))
        for name, tree in arrays.items()
    }
    return Saved(run["run_id"], run["config"], run["epochs"], variables, run.get("basis"))


def _tree(variables: Variables) -> dict[str, Any]:
    """The variables as orbax holds them: a tree of names, without empty collections."""
    collections = {"params": variables.params, "batch_stats": variables.batch_stats}
    return {name: tree for name, tree in collections.items() if jax.tree.leaves(tree)}


def _digests(arrays: Mapping[str, Any]) -> dict[str, int]:
    return {name: array_checksum(leaf) for name, leaf in param_tree.by_name(arrays).items()}


def _crc32(value: Any) -> int:
    return zlib.crc32(json.dumps(value, sort_keys=True).encode())


def _checkpointer(name: str) -> Any:
    """Orbax's, of this process alone. Imported when first needed: it takes half a second."""
    import orbax.checkpoint as ocp

    process = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(
        primary_host=process, active_processes={process}, barrier_sync_key_prefix=name
    )
    return ocp.Checkpointer(
        ocp.StandardCheckpointHandler(multiprocessing_options=alone), multiprocessing_options=alone
    )
