"""Identity: digests of what makes two runs, or two programs, the same."""

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from research.config import FIELDS, PARTS, STATIC, Leaf, RunConfig, leaves
from research.options import format_value
from research.registry import LOSSES, TASKS, Entry

# Raised when the engine's own mathematics changes (random streams, order of the slots).
ENGINE_VERSION = 1
Versions = tuple[tuple[str, int], ...]


def entries(config: RunConfig) -> Iterator[tuple[str, Entry]]:
    """(kind, entry) of every registry entry that the config uses."""
    for name, registry in PARTS.items():
        value = getattr(config, name)
        for part in value if isinstance(value, tuple) else (value,):
            if not part.name:  # blanked out in a program's config
                continue
            entry = registry.get(part.name)
            yield registry.kind, entry
            for opt in entry.naming:
                yield opt.registry.kind, opt.registry.get(part[opt.name])
    for name, registry in (("task", TASKS), ("loss", LOSSES)):
        if getattr(config, name) != "auto":
            yield name, registry.get(getattr(config, name))


def static_id(config: RunConfig) -> str:
    """A digest of the static leaves: runs that agree in it share a program, given the same data.

    Defaults are left out, so that a new flag changes no program's id.
    """
    static = tuple(leaf for leaf in leaves(config) if leaf.kind == STATIC and not leaf.default)
    return _static_id(static, _versions(tuple(entries(config))))


@functools.lru_cache(maxsize=1024)  # for whole sweeps there is but one
def _static_id(static: tuple[Leaf, ...], versions: Versions) -> str:
    return digest({"static": {leaf.path: format_value(leaf.value) for leaf in static}, "versions": dict(versions)})


def run_id(config: RunConfig, fingerprint: str) -> str:
    """A digest of the science: the leaves that differ from their defaults, the data, the entries' versions."""
    return digest(science(config, fingerprint))


def science(config: RunConfig, fingerprint: str) -> dict[str, Any]:
    """What `run_id` is a digest of. The place of a csv or folder is no science; the fingerprint stands for it."""
    changed = {leaf.path: format_value(leaf.value) for leaf in leaves(config) if not leaf.default}
    changed["dataset"] = config.dataset.name.partition(":")[0]
    return {"science": changed, "data": fingerprint, "versions": dict(_versions(tuple(entries(config))))}


def reseeded(science: Mapping[str, Any], **seeds: int | None) -> dict[str, Any]:
    """The science of a config that differs from another's in these seeds, without looking at the rest again."""
    changed = {path: text for path, text in science["science"].items() if path not in seeds}
    changed |= {path: format_value(seed) for path, seed in seeds.items() if seed != FIELDS[path].default}
    return {**science, "science": changed}


@functools.lru_cache(maxsize=1024)
def _versions(used: tuple[tuple[str, Entry], ...]) -> Versions:
    """The version of each entry, and of the engine."""
    versions = {f"{kind}:{entry.name.partition(':')[0]}": entry.version for kind, entry in used}
    return tuple((versions | {"engine": ENGINE_VERSION}).items())


def digest(value: Any) -> str:
    """16 hexadecimal digits of the SHA-256 of canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
