"""A sweep: the runs that a user wants, kept under a name beside their records."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from research.errors import UserError, nearest
from research.sweeps.records import source_version as code_lib
from research.sweeps.records.store import Damaged, Store

# Looking at a sweep plans nothing, so it must not pay for importing JAX.
if TYPE_CHECKING:
    from research.sweeps.plan.run_plan import RequestedRun


@dataclasses.dataclass(frozen=True)
class SweepSpec:
    """A named sweep as it was asked for: the settings of every run, and the axes that its table
    shows.

    plugins: the files of the user's own that it was asked with. Once it is saved: runs, epochs: of
        each request its run's id and length; notes: what a reader of its table must know of the
        data; code: the version of the code that it was last asked of; contents: a digest of each
        plugin, which tells the file wherever it lies.
    """

    requests: list[dict[str, Any]]
    axes: list[str]
    plugins: list[str] = dataclasses.field(default_factory=list)
    runs: list[str] = dataclasses.field(default_factory=list)
    epochs: list[int] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    code: str = dataclasses.field(default="", compare=False)
    contents: list[str] = dataclasses.field(default_factory=list, compare=False)

    def save(
        self, store: Store, name: str, runs: "Sequence[RequestedRun]", notes: Sequence[str] = ()
    ) -> None:
        """Stores the sweep under its name, beside the records.

        Args:
            store: the records directory.
            name: the sweep's name.
            runs: the run of each request.
            notes: what a reader of the table must know of the data.

        Raises:
            UserError: the name cannot be a file's, or the directory cannot be written.
        """
        check_name(name)
        store.prepare()
        ids, epochs = [run.id for run in runs], [run.config.epochs for run in runs]
        saved = dataclasses.replace(
            self,
            runs=ids,
            epochs=epochs,
            notes=list(notes),
            code=self.code_now(),
            contents=[code_lib.digest_of(Path(path)) for path in self.plugins],
        )
        store.write_json("sweeps", name, dataclasses.asdict(saved))

    def code_now(self) -> str:
        """The version that the code has now, its plugins included."""
        return code_lib.version(plugins=map(Path, self.plugins))

    def with_plugins(self, given: Sequence[str]) -> "SweepSpec":
        """The sweep with its plugins where they lie now: one that was moved is known by its
        content.

        given: the plugins of this process. In a sweep of earlier code one that is gone is known by
            its name.
        """
        by_content = {code_lib.digest_of(Path(path)): path for path in given}
        by_name = {Path(path).name: path for path in given}
        contents = self.contents or [""] * len(self.plugins)
        here: list[str] = []
        for path, content in zip(self.plugins, contents, strict=True):
            gone = not content and not Path(path).is_file()
            moved = by_content.get(content) or (by_name.get(Path(path).name) if gone else None)
            here.append(path if path in given or moved is None else moved)
        return dataclasses.replace(self, plugins=here)

    def arm(self, request: Mapping[str, Any]) -> str:
        """The row of the sweep's table to which a request belongs."""
        shown = [
            f"{path}={request[path]}" for path in self.axes if path != "seed" and path in request
        ]
        return ", ".join(shown) or "all runs"

    def bracketed(self) -> set[str]:
        """The options that values of the axes set in brackets, as `optimizer=sgd(momentum=0.9)`
        does."""
        from research.config import PARTS, inline_options

        axes = [path for path in self.axes if path in PARTS and path != "regularization"]
        values = {(path, str(r[path])) for r in self.requests for path in axes if path in r}
        return {option for path, value in values for option in inline_options({path: value})}

    @classmethod
    def load(cls, store: Store, name: str) -> "SweepSpec":
        """The sweep of that name. Raises UserError with the nearest names."""
        sweep = cls.stored(store, name)
        if sweep is None:
            tunings = sorted(path.stem for path in (store.root / "tunings").glob("*.journal"))
            known = (
                "it is a tuning; launch.table shows its trials"
                if name in tunings
                else nearest(name, [*names(store), *tunings])
            )
            raise UserError(f"no sweep '{name}' in {store.root}; {known}")
        return sweep

    @classmethod
    def stored(cls, store: Store, name: str) -> "SweepSpec | None":
        """The sweep of that name, or None. Raises UserError for what cannot be a name, and for a
        file of newer code."""
        check_name(name)
        try:
            content = store.read_json("sweeps", name)
        except Damaged as damaged:
            raise UserError(
                f"{damaged}; its records are whole: give the sweep's flags again"
            ) from None
        if content is None:
            return None
        where = store.root / "sweeps" / f"{name}.json"
        if not isinstance(content, dict) or not isinstance(content.get("requests"), list):
            raise UserError(f"{where} is not a sweep's file; move it away")
        known = [field.name for field in dataclasses.fields(cls)]
        if unknown := [field for field in content if field not in known]:
            raise UserError(
                f"{where} was written by newer code (it has the field '{unknown[0]}'); look at it"
                " with that"
            )
        return cls(**content)


def names(store: Store) -> list[str]:
    """The names of the sweeps that are kept beside the records."""
    return sorted(path.stem for path in (store.root / "sweeps").glob("*.json"))


def is_tuning(store: Store, name: str) -> bool:
    """Whether a tuning has the name, and no sweep. Raises UserError for what cannot be a name."""
    check_name(name)
    tuned, swept = (store.root / folder / name for folder in ("tunings", "sweeps"))
    return Path(f"{tuned}.journal").is_file() and not Path(f"{swept}.json").exists()


def check_name(name: str) -> None:
    """Raises UserError unless a sweep can be kept under the name: it becomes a file's."""
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise UserError(f"name='{name}': a name consists of letters, digits, '.', '_' and '-'")
