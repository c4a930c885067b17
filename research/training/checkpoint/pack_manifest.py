"""PackManifest: which runs a checkpoint folder belongs to, as its file `pack.json` states."""

import dataclasses
import hashlib
import json
from typing import Any, Literal

from research.training.devices.strategy import ExecutionStrategy

# Fields whose names in `pack.json` are older: files on disk outlive a rename.
_STORED_NAMES = {"strategy": "way", "has_variables": "kept"}

Keep = Literal["last", "best", "all"]


@dataclasses.dataclass(frozen=True)
class PackManifest:
    """Which runs a checkpoint folder belongs to, and how they train.

    program: the id of the program that they share.
    device: the kind of device that trains them.
    strategy: how they are trained.
    configs: the settings of each run by its id, in the order of the snapshots' leaves.
    keep: which snapshots stay. `last`: the last two. `best`: also the one with the lowest mean
        validation loss. `all`: all of them, even after the runs are done.
    has_variables: whether snapshots hold the runs' best and last variables too.
    """

    program: str
    device: str
    strategy: ExecutionStrategy
    configs: dict[str, dict[str, str]]
    keep: Keep = "last"
    has_variables: bool = False

    @property
    def runs(self) -> list[str]:
        """The run ids, in the order of the snapshots' leaves."""
        return list(self.configs)

    @property
    def name(self) -> str:
        """The folder's name, a digest: the same runs continue in the same folder."""
        # Folders of packs without variables keep the names that they had before there was the flag.
        content = [self.program, self.runs, *(["kept"] if self.has_variables else [])]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """The content of `pack.json`."""
        content: dict[str, Any] = dataclasses.asdict(self)
        content["strategy"] = self.strategy.to_json()
        return {_STORED_NAMES.get(name, name): value for name, value in content.items()}

    @staticmethod
    def from_json(content: dict[str, Any]) -> "PackManifest":
        """The pack that `to_json` described. Raises KeyError or TypeError if a field is wrong."""
        names = {stored: name for name, stored in _STORED_NAMES.items()}
        fields = {names.get(name, name): value for name, value in content.items()}
        strategy = ExecutionStrategy.from_json(fields.pop("strategy"))
        return PackManifest(strategy=strategy, **fields)
