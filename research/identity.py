"""Identity: digests of what makes two runs, or two programs, the same."""

import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from research import grammar
from research.config import FIELDS, FOLLOWING, PARTS, PLAYER_FIELDS, STATIC, Leaf, RunConfig, leaves
from research.options import format_value
from research.registry import (
    FEATURE_STEPS,
    LOSSES,
    METRICS,
    REGULARIZERS,
    TASKS,
    Entry,
    Environment,
)

# Raised when the engine's own mathematics changes (random streams, order of the slots).
ENGINE_VERSION = 1
Versions = tuple[tuple[str, int], ...]


def _has(config: RunConfig, slot: str, site: str) -> bool:
    """Whether the config has a regularizer of that slot and site."""
    entries = (REGULARIZERS.get(component.name) for component in config.regularization)
    return any((entry.slot, entry.site) == (slot, site) for entry in entries)


def _recomputes(config: RunConfig) -> bool:
    """Whether batch norm's statistics are recomputed for averaged parameters."""
    by_name = {component.name: dict(component.options) for component in config.regularization}
    recomputed = any(options.get("statistics") == "recomputed" for options in by_name.values())
    # The engine recomputes none for several players, nor in an environment (norm_statistics.py).
    collected = isinstance(PARTS["dataset"].get(config.dataset.name), Environment)
    one_network = not config.players and not collected
    return recomputed and "batch_norm" in by_name and one_network


# Changes of the engine's mathematics that affect only some runs; only those runs get another id.
# By name: the version, and whether the change affects a config.
REVISIONS: Mapping[str, tuple[int, Callable[[RunConfig], bool]]] = {
    "frozen statistics": (
        2,
        lambda config: config.freeze is not None and _has(config, "normalization", "any"),
    ),
    "projected average": (
        2,
        lambda config: _has(config, "projection", "norm") and _has(config, "average", "parameters"),
    ),
    "recomputed statistics": (2, _recomputes),
    # Folds that differ by a padded batch are trained on all their rows.
    "padded folds": (
        2,
        lambda config: config.remainder == "pad" and config.fold is not None,
    ),
    # Final training metrics are on the labels that were trained. As label noise is a number, it is
    # not in a program's config, so this splits no program.
    "trained labels": (2, lambda config: bool(config.label_noise)),
    # No group is in two inner folds.
    "inner folds of groups": (
        2,
        lambda config: (
            config.inner_folds is not None and bool(dict(config.dataset.options).get("group"))
        ),
    ),
    "imputed without values": (
        2,
        lambda config: dict(config.dataset.options).get("impute") is not None,
    ),
}


def entries(config: RunConfig) -> Iterator[tuple[str, Entry]]:
    """(kind, entry) of every registry entry that the config uses."""
    for name, registry in PARTS.items():
        value = getattr(config, name)
        if config.players and name in PLAYER_FIELDS:
            value = tuple(getattr(player, name) for player in config.players)
        for component in value if isinstance(value, tuple) else (value,):
            if not component.name:  # blanked out in a program's config
                continue
            # The mathematics of these defaults is the engine's.
            by_engine = ("objective", "ensemble", "select", "reduce", "encoding_of_categories")
            if name in by_engine and component == FIELDS[name].default:
                continue
            entry = registry.get(component.name)
            yield registry.kind, entry
            for opt in entry.naming:
                yield opt.registry.kind, opt.registry.get(component[opt.name])
    for name, registry in (("task", TASKS), ("loss", LOSSES)):
        if getattr(config, name) != "auto":
            yield name, registry.get(getattr(config, name))
    for step in grammar.split(config.features or "", ","):
        if step:
            yield FEATURE_STEPS.kind, FEATURE_STEPS.get(step.partition("(")[0].strip())
    for name in config.metrics or ():
        yield METRICS.kind, METRICS.get(name)


def static_id(config: RunConfig) -> str:
    """A digest of the static leaves: runs that agree in it share a program, given the same data.

    Defaults are left out, so that a new flag changes no program's id.
    """
    static = tuple(leaf for leaf in leaves(config) if leaf.kind == STATIC and not leaf.default)
    return _static_id(static, versions(config))


# The runs of a sweep have few programs, so nearly all calls hit.
@functools.lru_cache(maxsize=1024)
def _static_id(static: tuple[Leaf, ...], versions: Versions) -> str:
    return digest(
        {
            "static": {leaf.path: format_value(leaf.value) for leaf in static},
            "versions": dict(versions),
        }
    )


def run_id(config: RunConfig, fingerprint: str) -> str:
    """A digest of the leaves that differ from their defaults, of the data and of all versions.

    fingerprint: of the data.
    """
    return digest(science(config, fingerprint))


def science(config: RunConfig, fingerprint: str) -> dict[str, Any]:
    """The content that `run_id` digests.

    Paths are left out: the fingerprint stands for the content of a csv file or a folder, and the
    splitter's version for that of a split's file.
    """
    changed = {leaf.path: format_value(leaf.value) for leaf in leaves(config) if not leaf.default}
    # The same file at another path is the same data.
    changed["dataset"] = config.dataset.name.partition(":")[0]
    if config.split.name.startswith("file:"):
        changed["split"] = "file"
    return {"science": changed, "data": fingerprint, "versions": dict(versions(config))}


def reseeded(science: Mapping[str, Any], seeds: Mapping[str, int]) -> dict[str, Any]:
    """The `science` of a run that differs only in these seeds; the rest is taken over as it is."""
    follow = {name for name in FOLLOWING if seeds[name] == seeds["seed"]}
    # A default seed is left out, as all defaults are.
    changed = {path: text for path, text in science["science"].items() if path not in seeds}
    changed |= {
        path: format_value(seed)
        for path, seed in seeds.items()
        if path not in follow and seed != FIELDS[path].default
    }
    return {**science, "science": changed}


def versions(config: RunConfig) -> Versions:
    """The versions of the entries that a config uses, of the engine, and of the revisions that
    affect the config."""
    revised = tuple(
        (name, version) for name, (version, touches) in REVISIONS.items() if touches(config)
    )
    return _versions(tuple(entries(config))) + revised


@functools.lru_cache(maxsize=1024)
def _versions(used: tuple[tuple[str, Entry], ...]) -> Versions:
    """The version of each entry, and of the engine."""
    # A family's names have an argument, such as a file, which is no part of the version.
    by_entry = {
        f"{kind}:{entry.name.partition(':')[0]}": entry.version
        for kind, entry in used
        if entry.version
    }
    return tuple((by_entry | {"engine": ENGINE_VERSION}).items())


def digest(value: Any) -> str:
    """16 hexadecimal digits of the SHA-256 of canonical JSON."""
    # Keys are sorted, since the order of a dictionary means nothing. 64 bits let a million runs
    # collide with a probability of 3e-8.
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
