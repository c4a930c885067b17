"""The code's version, and snapshots of it: a queued run is trained by the code that it was queued
with."""

import hashlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from research.durable_files import whole_folder

ROOT = Path(__file__).parents[3]
PACKAGES_OF_CODE = ("experiments", "launch", "research")
# What a task runs. Experiments are not among it: what they declare is in its list of runs.
RUNNING = ("launch", "research")
# In a snapshot: the commit that it was taken of; the folder of the plugins.
COMMIT = "commit.txt"
PLUGINS = "plugins"


def version(root: Path = ROOT, plugins: Iterable[Path] = ()) -> str:
    """A digest of what trains runs: the sources in research/, and the plugins."""
    added = {f"{PLUGINS}/{number}": path for number, path in enumerate(plugins) if path.is_file()}
    return _digest(_sources(root, "research") | added)


def digest_of(path: Path) -> str:
    """A digest of a file's content; "" if it is not there."""
    return _digest({"": path}) if path.is_file() else ""


def snapshot(folder: Path, plugins: Iterable[Path], commit: str, root: Path = ROOT) -> Path:
    """A copy of the code as it is now, made unless it is there already.

    Args:
        folder: where snapshots are.
        plugins: the user's files that belong to the code.
        commit: the commit of the code, which the copy notes.
        root: the repository.

    Returns:
        The copy's folder; its name is a digest of its content.
    """
    files = {name: path for package in RUNNING for name, path in _sources(root, package).items()}
    files |= {f"{PLUGINS}/{number}/{path.name}": path for number, path in enumerate(plugins)}
    target = folder / _digest(files, commit)
    if target.is_dir():
        return target
    with whole_folder(target) as partial:
        for name, path in files.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, partial / name)
        (partial / COMMIT).write_text(commit)
    return target


def plugins(root: Path) -> list[Path]:
    """The plugins of a snapshot, in their order."""
    return sorted((root / PLUGINS).glob("*/*.py"), key=lambda path: int(path.parent.name))


def _sources(root: Path, package: str) -> dict[str, Path]:
    return {str(path.relative_to(root)): path for path in sorted((root / package).rglob("*.py"))}


def _digest(files: Mapping[str, Path], more: str = "") -> str:
    content = hashlib.sha256(more.encode())
    for name, path in files.items():
        # The separators keep apart files whose names and contents join to the same bytes.
        content.update(f"\0{name}\0".encode() + path.read_bytes())
    return content.hexdigest()[:16]
